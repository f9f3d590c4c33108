//! The headers that exports of work orders usually carry, for each field of the event.

use unicode_normalization::UnicodeNormalization as _;

/// A field of the event that a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Id,
    ReceivedAt,
    Title,
    Text,
    Channel,
    Subject,
    Category,
    Earlier,
    CallerId,
    CallerPhone,
    CallerAlso,
    CallerName,
    District,
    Street,
    Community,
    Address,
    Lon,
    Lat,
    Drop,
}

impl Field {
    pub(super) const ALL: [Self; 19] = [
        Self::Id,
        Self::ReceivedAt,
        Self::Title,
        Self::Text,
        Self::Channel,
        Self::Subject,
        Self::Category,
        Self::Earlier,
        Self::CallerId,
        Self::CallerPhone,
        Self::CallerAlso,
        Self::CallerName,
        Self::District,
        Self::Street,
        Self::Community,
        Self::Address,
        Self::Lon,
        Self::Lat,
        Self::Drop,
    ];

    /// As the configuration and the event call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::ReceivedAt => "received_at",
            Self::Title => "title",
            Self::Text => "text",
            Self::Channel => "channel",
            Self::Subject => "subject",
            Self::Category => "category",
            Self::Earlier => "earlier",
            Self::CallerId => "caller.id",
            Self::CallerPhone => "caller.phone",
            Self::CallerAlso => "caller.also",
            Self::CallerName => "caller.name",
            Self::District => "place.district",
            Self::Street => "place.street",
            Self::Community => "place.community",
            Self::Address => "place.address",
            Self::Lon => "place.lon",
            Self::Lat => "place.lat",
            Self::Drop => "drop",
        }
    }

    /// What it is, for a person who has to name the column.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Id => "the number of the work order",
            Self::ReceivedAt => "the time of the call",
            Self::Title | Self::Text => "what the caller said",
            _ => "something a row can do without",
        }
    }

    /// Whether all columns found count, not just the first.
    pub(super) fn takes_several(self) -> bool {
        matches!(self, Self::Category | Self::Earlier | Self::CallerAlso | Self::Drop)
    }

    /// The usual headers, best first, in the form [`folded`] gives.
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub(super) fn usual(self) -> &'static [&'static str] {
        match self {
            Self::Id => &[
                "id",
                "工单编号",
                "工单号",
                "工单id",
                "受理编号",
                "受理单号",
                "诉求编号",
                "诉求单号",
                "案件编号",
                "任务编号",
                "流水号",
                "编号",
            ],
            Self::ReceivedAt => &[
                "received_at",
                "来电时间",
                "受理时间",
                "诉求时间",
                "反映时间",
                "接件时间",
                "登记时间",
                "工单时间",
                "提交时间",
                "创建时间",
                "留言时间",
                "时间",
            ],
            Self::Title => &[
                "title",
                "标题",
                "诉求标题",
                "工单标题",
                "主题",
                "留言主题",
                "事项标题",
                "案件标题",
                "工单主题",
            ],
            Self::Text => &[
                "text",
                "诉求内容",
                "问题描述",
                "主要内容",
                "工单内容",
                "来电内容",
                "反映内容",
                "诉求描述",
                "留言详情",
                "案件描述",
                "事项内容",
                "详细内容",
                "内容",
            ],
            Self::Channel => &[
                "channel",
                "受理渠道",
                "诉求渠道",
                "来源渠道",
                "工单来源",
                "诉求来源",
                "来电渠道",
                "渠道",
                "来源",
            ],
            Self::Subject => &[
                "subject",
                "被反映单位",
                "被投诉企业",
                "被投诉单位",
                "被反映对象",
                "被诉企业",
                "被诉单位",
                "涉及单位",
                "涉事单位",
                "企业名称",
            ],
            Self::Category => &[
                "category",
                "一级分类",
                "二级分类",
                "三级分类",
                "四级分类",
                "一级类别",
                "二级类别",
                "三级类别",
                "诉求分类",
                "问题分类",
                "问题类别",
            ],
            Self::CallerId => {
                &["caller.id", "caller_id", "客户编号", "诉求人编号", "来电人编号", "用户编号", "留言用户"]
            }
            Self::CallerPhone => &[
                "caller.phone",
                "caller_phone",
                "phone",
                "来电号码",
                "来电电话",
                "主叫号码",
                "联系电话",
                "联系方式",
                "诉求人电话",
                "手机号码",
                "手机号",
                "电话",
            ],
            Self::Earlier => &[
                "earlier",
                "旧工单",
                "旧工单号",
                "旧工单编号",
                "原工单号",
                "原工单编号",
                "催办单号",
                "催办工单编号",
                "oldordernum",
                "urgeordernum",
            ],
            Self::CallerAlso => {
                &["caller.also", "备用电话", "其他电话", "其它电话", "备用联系方式", "联系电话2"]
            }
            Self::CallerName => {
                &["caller.name", "来电人", "诉求人", "来电人姓名", "诉求人姓名", "联系人", "姓名"]
            }
            Self::District => &["place.district", "district", "区", "所属区", "行政区", "区县", "所属区县"],
            Self::Street => {
                &["place.street", "street", "街道", "所属街道", "街乡镇", "街道乡镇", "所属街乡镇", "街镇"]
            }
            Self::Community => &["place.community", "community", "社区", "所属社区", "社区村", "所属社区村"],
            Self::Address => &[
                "place.address",
                "address",
                "事发地址",
                "事发地点",
                "诉求地址",
                "问题地址",
                "详细地址",
                "发生地址",
                "地址",
                "地点",
            ],
            Self::Lon => &["place.lon", "lon", "lng", "经度"],
            Self::Lat => &["place.lat", "lat", "纬度"],
            Self::Drop => &[
                "身份证",
                "身份证号",
                "身份证号码",
                "证件号",
                "证件号码",
                "诉求人身份证号",
                "银行卡号",
                "家庭住址",
            ],
        }
    }
}

/// The form in which headers are compared: width and case folded, no spaces, no marks of required
/// columns, no remarks in brackets at the end.
pub(super) fn folded(header: &str) -> String {
    let plain: String = header
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|character| !character.is_whitespace() && !matches!(character, '\u{feff}' | '*' | '/' | '、'))
        .collect();
    let before = plain.split_once('(').map_or(&*plain, |(before, _)| before);
    let before = before.trim_end_matches([':', '。']);
    if before.is_empty() { plain } else { before.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_headers_are_folded_and_mean_one_thing() {
        let mut seen = std::collections::BTreeMap::new();
        for field in Field::ALL {
            for &header in field.usual() {
                assert_eq!(folded(header), header);
                assert_eq!(seen.insert(header, field), None, "{header}");
            }
        }
    }

    #[test]
    fn headers_are_the_same_with_marks_and_remarks() {
        for header in
            ["工单编号", " 工单编号 ", "*工单编号", "工单编号（必填）", "\u{feff}工单编号", "工单 编号："]
        {
            assert_eq!(folded(header), "工单编号", "{header:?}");
        }
        assert_eq!(folded("ＩＤ"), "id");
        assert_eq!(folded("街道/乡镇"), "街道乡镇");
    }
}
