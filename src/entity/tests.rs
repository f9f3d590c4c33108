//! What is a name, what is not, and where it stands.

use proptest::prelude::*;

use super::*;
use crate::model::{ComplaintId, PlaceFields, ReportedCaller};

fn complaint(subject: Option<&str>, title: &str, text: &str) -> Complaint {
    Complaint {
        id: ComplaintId::from("1"),
        received_at: jiff::Timestamp::UNIX_EPOCH,
        channel: None,
        caller: ReportedCaller::default(),
        title: title.to_owned(),
        text: text.to_owned(),
        place: PlaceFields::default(),
        category: Vec::new(),
        subject: subject.map(str::to_owned),
        tags: Vec::new(),
        earlier: Vec::new(),
        extra: serde_json::Map::new(),
    }
}

fn read(subject: Option<&str>, title: &str, text: &str) -> Vec<EntityMention> {
    mentions(&complaint(subject, title, text), &normalise(title), &normalise(text))
}

fn names(text: &str) -> Vec<String> {
    read(None, "", text).into_iter().map(|mention| mention.name).collect()
}

#[test]
fn names_are_found_by_their_form() {
    for (text, name) in [
        ("投诉北京金穗财富投资管理有限公司到期不还钱", "金穗财富投资管理"),
        ("我在蓝桥健身房办了两年的卡", "蓝桥健身房"),
        ("孩子在西城区展览路博启英语培训学校报班", "博启英语培训学校"),
        ("我妈被鼎丰农业合作社骗了", "鼎丰农业"),
        ("聚财网平台无法提现", "聚财网"),
        ("本来知道66车贷有问题", "66车贷"),
        ("请查处华鑫商品交易中心有限公司诈骗", "华鑫商品交易"),
        ("在惠民宝app投了二十万", "惠民宝"),
        ("经朋友介绍安窝公寓", "安窝公寓"),
        ("房子委托给安窝住房托管，半年没有租金", "安窝住房托管"),
        ("盈丰普惠高利贷逼人还钱", "盈丰普惠"),
        ("一家名为“橙心”的早教机构关门", "橙心"),
        ("“美丽人生”美容院不退卡", "美丽人生"),
        ("投诉立德会计培训机构不退费", "立德会计培训"),
        ("金穗商务咨询公司非法集资", "金穗商务咨询"),
        ("举报德茂企业管理咨询有限公司拉老人投钱", "德茂企业管理咨询"),
        ("来电咨询金穗商务咨询公司是否合法", "金穗商务咨询"),
    ] {
        assert_eq!(names(text).first().map(String::as_str), Some(name), "{text}: {:?}", names(text));
    }
}

#[test]
fn generic_words_are_no_names() {
    for text in [
        "某公司拖欠工资",
        "该公司老板跑了",
        "小区物业公司不作为",
        "开发商和物业公司互相推诿",
        "这家培训机构不退费",
        "我在网上看到一个理财平台",
        "教育局说不归他们管",
        "互联网金融平台跑路",
        "楼下健身房太吵",
        "我们投资的钱拿不回来",
        "民办培训机构乱象",
        "已经网签了",
    ] {
        assert_eq!(names(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn the_subject_comes_first_unless_it_is_a_public_body() {
    let found = read(Some("北京蓝桥健身服务有限公司"), "健身房跑路", "金穗财富有限公司也有份");
    assert_eq!(found[0].source, MentionSource::Subject);
    assert_eq!(found[0].name, "蓝桥健身服务");
    let found = read(Some("市场监督管理局"), "", "蓝桥健身房关门");
    assert_eq!(found[0].name, "蓝桥健身房");
}

#[test]
fn spans_point_at_the_original_words() {
    let text = "请问 北京ＡＢ财富投资有限公司 合法吗";
    let found = read(None, "", text);
    let span = found[0].span.unwrap();
    assert_eq!(&text[span.start as usize..span.end as usize], "ＡＢ财富投资有限公司");
}

#[test]
fn spellings_of_one_company_are_one_mention() {
    let found = names("投诉汇众人普惠投资有限公司，众汇人普惠投资公司的老板跑了，汇众人平台关了");
    assert_eq!(found.len(), 1, "{found:?}");
}

proptest! {
    #[test]
    fn any_text_gives_few_mentions_with_valid_spans(
        title in ".{0,40}",
        text in "[金穗投资有限公司平台的在市区66健身房“”a\u{3000}，。😀Ａ]{0,80}",
        subject in prop::option::of("[金穗投资有限公司平台局 ]{0,12}"),
    ) {
        let found = read(subject.as_deref(), &title, &text);
        prop_assert!(found.len() <= MAX_MENTIONS);
        for mention in found {
            let span = mention.span.unwrap();
            let field = match span.field {
                Where::Title => title.as_str(),
                Where::Text => text.as_str(),
                Where::Subject => subject.as_deref().unwrap(),
            };
            prop_assert!(span.start < span.end);
            prop_assert!(field.get(span.start as usize..span.end as usize).is_some());
            prop_assert!(mention.name.chars().count() >= 2);
        }
    }
}
