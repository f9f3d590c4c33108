//! What places end in, and the words around them that are no part of their names.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::PlaceKind;
use crate::text::CharSet;

/// An ending that makes a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending {
    /// The ending.
    pub text: &'static str,
    /// What it makes.
    pub kind: PlaceKind,
    /// One character that is also a common part of other words: holds only at the end of a word.
    pub weak: bool,
    /// An institution: `百万庄小学` is a place of its own, not a part of 百万庄.
    pub own: bool,
}

const SITES: &str = "小区 花园 家园 嘉园 佳园 佳苑 家苑 嘉苑 雅苑 华苑 名苑 丽苑 锦苑 馨苑 公馆 公寓 大厦 广场 新村 \
    新城 国际城 山庄 别墅 名邸 府邸 豪庭 华庭 华府 雅居 家属区 宿舍区 宿舍 宿舍院 住宅楼 住宅区 家属院 家属楼 大院 号院 大楼 写字楼 \
    安置房 安置小区 楼盘 商业城 影城 影院 剧院 国际 新居 新苑 名城 名都 帝景 工业园 产业园 科技园 物流园 创业园 \
    商业街 美食街 商务楼 工地 项目工地 工程工地 旧改项目 棚改项目 改造项目 改造工程 停车场 地铁站 火车站 汽车站 客运站 公交站 高铁站 加油站 垃圾站 中转站 变电站 收费站 湿地 水库";
const OWN_SITES: &str = "学校 小学 中学 附属中学 附属小学 大学 学院 一中 二中 三中 附小 附中 幼儿园 幼稚园 托儿所 医院 中医院 卫生院 门诊部 诊所 市场 \
    菜市场 农贸市场 批发市场 早市 夜市 商场 超市 百货 便利店 购物中心 商贸城 公园 动物园 植物园 体育馆 体育场 图书馆 博物馆 展览馆 酒店 \
    宾馆 饭店 养老院 敬老院 福利院 殡仪馆 陵园 寺 机场 搅拌站 电厂 水厂 污水处理厂 ktv 网吧 酒吧 歌厅 药店 药房 养生馆 美容院 \
    瑜伽馆 健身房 健身馆 游泳馆 会所 中心";
const WEAK_SITES: &str = "城 府 湾 里 庄 园 苑 村 桥 站 居 轩 阁 庭 郡 墅 邸 堡 岛 洲 坊 院 厂 湖 山 天地";
const ROADS: &str = "大道 大街 胡同 高速 高架 国道 省道 立交桥 大桥 隧道 环线 辅路 号线";
const WEAK_ROADS: &str = "路 街 巷";

/// All endings.
pub(super) static ENDINGS: LazyLock<Vec<Ending>> = LazyLock::new(|| {
    let mut endings = Vec::new();
    let mut add = |list: &'static str, kind, weak, own| {
        endings.extend(list.split_whitespace().map(|text| Ending { text, kind, weak, own }));
    };
    add(SITES, PlaceKind::Site, false, false);
    add(OWN_SITES, PlaceKind::Site, false, true);
    add(WEAK_SITES, PlaceKind::Site, true, false);
    add(ROADS, PlaceKind::Road, false, false);
    add(WEAK_ROADS, PlaceKind::Road, true, false);
    add("社区 居委会", PlaceKind::Community, false, true);
    add("街道 街道办 街道办事处", PlaceKind::Street, false, true);
    add("镇 乡", PlaceKind::Street, true, true);
    endings
});

/// For the last character of an ending the endings that end in it.
static BY_LAST: LazyLock<FxHashMap<char, Vec<Ending>>> = LazyLock::new(|| {
    let mut by_last: FxHashMap<char, Vec<Ending>> = FxHashMap::default();
    for ending in ENDINGS.iter() {
        by_last.entry(ending.text.chars().next_back().unwrap_or(' ')).or_default().push(*ending);
    }
    by_last
});

/// The endings that `name` ends in.
pub(super) fn endings_of(name: &str) -> impl Iterator<Item = &'static Ending> {
    let last = name.chars().next_back().and_then(|last| BY_LAST.get(&last));
    last.into_iter().flatten().filter(move |ending| name.ends_with(ending.text))
}

/// Words before which, in a title, only the name of an estate stands.
#[rustfmt::skip]
pub(super) const ANCHORS: [&str; 15] = [
    "业主", "业主委员会", "物业", "物业公司", "业委会", "开发商", "楼盘", "楼下", "项目部", "售楼部", "小区", "居民", "住户",
    "物管", "交房",
];

/// Whether an ending says of a shop what it sells and not which one it is.
pub(super) fn is_plain_shop(ending: &str) -> bool {
    ["酒吧", "歌厅", "网吧", "ktv", "早市", "夜市", "便利店", "超市", "药店", "药房"].contains(&ending)
}

/// Whether `name` is nothing but an ending of one character that other words end in too.
pub(super) fn is_weak_ending(name: &str) -> bool {
    name.chars().nth(1).is_none() && endings_of(name).any(|ending| ending.weak)
}

/// Characters that may follow a weak ending inside one word of the segmenter, after which the name
/// still ends there: 紫薇路 in 紫薇路口.
pub(super) static MAY_FOLLOW_WEAK: CharSet =
    CharSet::new("口段边面上旁侧沿交周里内外门前后东西南北一二三四五六七八九十附对与和至到的");

/// Words that only describe: a name made of nothing else is no name (老旧小区, 附近学校, 公立幼儿园).
pub(super) const GENERIC: &str = "整个 全 老旧 老 新 旧 新建 在建 住宅 商业 商住 安置 居民 业主 住户 市民 群众 学生 家长 生活 \
    高档 高端 封闭 封闭式 开放式 普通 公立 私立 民办 公办 民营 国有 大型 小型 中型 综合 综合性 农贸 建材 装饰 社区 街道 农村 \
    城市 城镇 乡镇 乡村 农民 国家 省 市 区 县 镇 乡 村 市区 城区 主城区 郊区 县城 行政 办公 服务 便民 政务 医疗 疾控 疾病 教育 培训 \
    购物 商务 金融 物流 创业 配套 重点 示范 示范性 试点 普惠 普惠性 优质 著名 知名 热门 正规 唯一 原 现 临时 地下 露天 室外 室内 \
    人防 机动车 非机动车 电动车 充电 共享 公共 公用 集体 个人 私人 职工 员工 教师 男生 女生 集资 商品 期房 现房 精装 毛坯 \
    主要 必经 交通 城乡 环城 绕城 乡间 水泥 柏油 沥青 盲 人行 非 单行 断头 主干 支 辅 干道 车 公 马 铁 道 电 网 楼 门 \
    活动 文化 体育 健身 娱乐 美容 早教 托管 管理 物业 运营 营销 售楼 调解 指挥 会议 研究 研发 数据 信息 客服 呼叫 监控 检测 鉴定 \
    交易 考试 就业 人才 养老 康复 妇幼 保健 中西医 中医 口腔 眼科 宠物 高级 初级 职业 技术 专科 本科 重点高 高 初 完全 九年制 \
    国际 双语 实验 中心 直属 附属 义务 寄宿 全日制 各大 各类 各级 部分 大部分 其他 其它 其余 很多 许多 多个 几个 两个 三个 一些 \
    有些 所有 任何 某些 某个 某 某某 另 另外 另一 另一个 别 别的 下 上 前 后 左 右 东 西 南 北 中 内 外 边 旁 大 小 一 二 三 四 五 \
    一个 一条 一所 一家 一座 一处 一栋 一楼 二楼 三楼 顶楼 楼下 楼上 门口 周边 附近 旁边 对面 隔壁 中间 我 你 他 她 我们 你们 他们 咱们 \
    大家 自己 本 该 此 这 那 这个 那个 这些 那些 这条 那条 这里 那里 同一 同一个 相邻 邻近 邻居 隔壁家 本地 当地 外地 外省 全国 全省 全市 全区 全县 \
    省内 市内 区内 县内 国内 国外 校外 校内 房产 房地产 地产 开发商 城中 旅游 风景 卫生 五星级 四星级 三星级 长租 街心 放学 沿 临 停 生态 森林 湿地 历史 古 老城 繁华 热闹 \
    最近 就近 上班 上学 回家 出行 必须 想 公安 政府 税务 法院 检察 工商 社保 医保 党 机关 单位 企业 工厂 公司 建筑 施工 \
    施工方 改造 拆迁 征收 回迁 安居 经适房 保障房 保障性 廉租 公租 棚改 城管 环卫 垃圾 污水 供水 供电 供暖 燃气 热力 变压 通信 基站 \
    信号 轨道 地铁 公交 火车 汽车 高铁 轻轨 客运 货运 长途 短途 收费 免费 停车 洗车 修车 加油 加气 大众 连锁 品牌 便利 生鲜 水果 \
    水产 海鲜 服装 家具 家居 家电 汽配 花卉 宾客 星级 快捷 足球 篮球 游泳 羽毛球 武术 舞蹈 钢琴 艺术 美术 音乐 书法 英语 外语 \
    儿童 少儿 幼儿 青少年 老年 老人 残疾人 妇女 下属 所属 所在 所在地 辖区 辖内 管辖 属地 第 号 期 栋 单元 座 层 室 户 家 间 个 条 所 \
    江 河 过江 跨河 跨江 一般 所在村 麻将 棋牌 洗浴 足浴 普惠制 营利性 非营利性 盈利性 居民区 生活垃圾 建筑垃圾 全体 性 制 双 双向 四 六 八 车道 无名 规划 支持 在线 热线 天然气 自来水 下水 排水 管 上水 供气 高压 低压 电力 网络 宽带 有线 光纤 燃 气 流水 生产 \
    地铁口 出口 入口 门诊 住院 急诊 民生 便利店 社会 农 工 商 文 理 医 药 师 党校 政法 公务 报名 学习 实践 实训 辅导 补习 补课";

/// Words that stand before a name and are no part of it, besides what the dictionary marks as verb,
/// adverb, preposition, pronoun, number or time.
pub(super) const STOPS: &str = "反映 投诉 举报 咨询 建议 请求 希望 关于 有关 对于 请问 请 望 求 求助 呼吁 恳请 恳求 强烈 要求 再次 \
    位于 坐落 地处 住在 居住 居住在 家住 住 在 到 去 从 由 往 向 至 给 对 为 和 与 及 以及 跟 同 或 或者 还 是 有 没 没有 无 \
    我 你 他 我们 你们 他们 我是 我家 本人 人 处 地 段 路口 交汇 交汇处 交叉口 交界 交界处 交叉 路段 沿线 一带 附近 周边 周围 \
    旁边 旁 边 病人 患者 对面 隔壁 门口 楼下 楼上 里面 内 外 前 后 上 下 中 间 之间 靠近 紧邻 毗邻 临近 邻近 接壤 背后 后面 前面 业主 居民 \
    市民 村民 住户 家长 群众 百姓 老百姓 学生 老师 领导 书记 市长 区长 县长 局长 主任 同志 先生 女士 政府 部门 公司 物业 \
    开发商 房地产 集团 单位 施工方 城管 交警 警察 公安 公安局 派出所 教育局 住建局 规划局 国土局 环保局 项目 工程 问题 情况 噪音 \
    噪声 油烟 污染 扰民 垃圾 楼盘 房子 房屋 房产 商铺 门面 商户 公交 公交车 车辆 车 地铁 司机 摊贩 小贩 为什么 为何 何时 什么 \
    怎么 如何 能否 可否 是否 什么时候 尽快 及时 严重 违规 违法 非法 私自 擅自 长期 多次 每天 天天 晚上 白天 早上 现在 目前 最近 近期 \
    贵 一是 二是 三是 四是 首先 其次 最后 省 市 县 区 去年 今年 明年 前年 的 了 着 过 地 得 之 所 以 而 且 但 但是 因为 由于 所以 如果 虽然 其 其中 这 那 该 此 本 某 各 每 另 \
    将 把 被 让 使 令 叫 就 才 也 都 又 再 很 太 最 更 非常 十分 特别 不 未 别 勿 等 等等 等地 诉求 反应 反应者 来电 来电人 市政 \
    路人 行人 您好 你好 谢谢 感谢 尊敬 各位 查处 取缔 整治 治理 解决 处理 规范 加强 加快 严查 严惩 关注 重视 管理 管管 监管 修建 \
    新建 建设 增设 设置 设立 开设 开通 开放 开发 取消 改造 拆除 拆迁 占用 经过 途经 通往 连接 穿过 横穿 直通 途径 路过 进入 驶入 入住 \
    购买 买 租 租住 入读 就读 上学 毕业 退休 上班 就诊 看病 受害者 出借人 投资人 消费者 城区 市区 主城区 片区 地区 区域 辖区 \
    片 段路 公里 米 左右 约 大约 方向 以东 以西 以南 以北 东侧 西侧 南侧 北侧 东边 西边 南边 北边 一侧 两侧 沿街 临街 沿路 站点 首末站 始发";

/// Single characters that begin no name: cut off an unknown word that begins with them (离洞桥路).
pub(super) static LEADING: CharSet = CharSet::new(
    "离有现而在住到从经原与及距沿由至将把被因是为当是我你他该此这那请让称说叫找去来给向往对于了的着过且并但又也都就才还",
);

/// Ends of words that name an authority, not a place.
const AUTHORITIES: [&str; 12] = [
    "政府",
    "法院",
    "检察院",
    "检查院",
    "国务院",
    "党委",
    "部门",
    "委员会",
    "公安分局",
    "管委会",
    "党校",
    "研究院",
];

/// Whether a text ends in the name of an authority.
pub(super) fn ends_as_authority(text: &str) -> bool {
    // The last character tells nearly always.
    text.ends_with(['府', '院', '委', '门', '会', '局', '校'])
        && AUTHORITIES.iter().any(|end| text.ends_with(end))
}

/// Chinese numerals up to ten.
pub(super) static NUMERALS: CharSet = CharSet::new("一二三四五六七八九十");

/// Words that the dictionary takes for something else and names are made of (解放路, 十里天池).
pub(super) const NAMING_WORDS: &str = "未来 明日 春天 万家 千家 万象 万博 十里 百里 千里 万里 九里 五里 三里 八里 七里 五一 八一 十一 建设 解放 团结 胜利 复兴 振兴 和平 创业 发展 创新 开发 友谊 劳动 奋斗 前进 跃进 光明 \
    文明 东升 开元 凯旋 朝阳 向阳 迎宾 育才 育英 爱民 为民 长征 红旗 开福 天心 望江 迎春 迎新 登云 观澜 问津 望京 望岳 听涛";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_authority_is_known_by_its_end() {
        for authority in AUTHORITIES {
            assert!(ends_as_authority(&format!("云栖{authority}")), "{authority}");
        }
        assert!(!ends_as_authority("云栖府") && !ends_as_authority(""));
    }

    #[test]
    fn endings_are_found_by_their_last_character() {
        for name in ["云栖花园小区", "云栖里", "云栖ktv", "小区", "云栖", ""] {
            let found: Vec<&str> = endings_of(name).map(|ending| ending.text).collect();
            let all = ENDINGS.iter().map(|ending| ending.text);
            assert_eq!(found, all.filter(|ending| name.ends_with(ending)).collect::<Vec<_>>(), "{name}");
        }
    }
}
