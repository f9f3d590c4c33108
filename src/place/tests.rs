//! What is read from texts, and what places say about each other. All names but those of the shipped
//! gazetteer are made up.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;

static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let gazetteer = Arc::new(Gazetteer::builtin());
    let segmenter = Arc::new(Segmenter::with_words(gazetteer.words()));
    Places::new(gazetteer, segmenter)
});

fn title(text: &str) -> Vec<PlaceMention> {
    PLACES.read(&PlaceFields::default(), &normalise(text), &normalise(""))
}

fn show(mentions: &[PlaceMention]) -> String {
    let one = |mention: &PlaceMention| {
        let kind = match mention.kind {
            PlaceKind::District => "区:",
            PlaceKind::Street => "街:",
            PlaceKind::Community => "社:",
            PlaceKind::Road => "路:",
            PlaceKind::Site => "",
        };
        let part = mention.part.as_ref().map(|part| format!("/{part}")).unwrap_or_default();
        format!("{kind}{}{part}", mention.name)
    };
    mentions.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn places_of_titles() {
    for (text, expected) in [
        // A name between words that are none.
        ("反映西城区云栖雅苑二期楼下饭店油烟扰民", "区:西城区 云栖雅苑/2期"),
        ("云栖雅苑2期底商油烟太大", "云栖雅苑/2期"),
        ("请问云栖雅苑什么时候通暖气", "云栖雅苑"),
        ("关于青溪花园小区电梯经常坏的问题", "青溪花园"),
        ("投诉青溪花园物业乱收费", "青溪花园"),
        ("青溪花园3号楼5单元电梯困人", "青溪花园/3栋"),
        ("松风阁小区1期和2期之间的铁门", "松风阁/1期"),
        ("碧水湾温泉酒店排污", "碧水湾温泉酒店"),
        ("东方明珠花园停电", "东方明珠花园"),
        ("向阳家园漏水", "向阳家园"),
        ("和平里小区垃圾清运不及时", "和平里"),
        ("汇景台三期延期交房", "汇景台/3期"),
        ("阳光100小区停车难", "阳光100"),
        ("投诉“竹海听涛”小区物业", "竹海听涛"),
        ("竹海听涛业主委员会不公开账目", "竹海听涛"),
        ("反映松月帝景开放式外廊", "松月帝景"),
        ("云栖府华城二期垃圾站", "云栖府华城/2期"),
        // Anonymised districts.
        ("A市A5区松风国际城三期消防通道被占", "松风国际城/3期"),
        ("A7县松风国际业主反映电梯问题", "松风国际"),
        ("某某区柳林小学门口堵车", "柳林小学"),
        // Shops, works and building sites are where people complain of too.
        ("银叶养生馆关门不退卡", "银叶养生馆"),
        ("柳河早市要拆", "柳河早市"),
        ("荣桥胡同酒吧半夜吵闹", "路:荣桥胡同"),
        ("青溪旧改项目工地通宵施工", "青溪旧改项目工地"),
        ("青湖服装厂拖欠工资", "青湖服装厂"),
        // What is done on a road is no road.
        ("云栖中学乱停车堵路", "云栖中学"),
        ("云栖里小区改造完路面高低不平", "云栖里"),
        // Institutions and what belongs to an estate.
        ("柳林第二小学午餐质量差", "柳林第二小学"),
        ("反映柳林中医院挂不上号", "柳林中医院"),
        ("柳林小学附近没有停车位", "柳林小学"),
        ("希望在柳林公园旁修建公共厕所", "柳林公园"),
        ("青溪花园幼儿园收费高", "青溪花园/幼儿园"),
        ("百万庄小学门口乱停车", "百万庄小学"),
        ("投诉博远英语培训学校不退费", "博远英语培训学校"),
        // Roads, numbers, lines.
        ("石桥东路与望江大道交叉口红绿灯不亮", "路:石桥东路 路:望江大道"),
        ("石桥路89号院下水道堵塞", "石桥路89号院"),
        ("家住石桥路89号，门口路灯不亮", "路:石桥路/89号"),
        ("解放大街两侧占道经营", "路:解放大街"),
        ("建设路车辆乱停", "路:建设路"),
        ("石桥路口积水", "路:石桥路"),
        ("地铁19号线什么时候开通", "路:19号线"),
        ("公交38路等车时间太长", "路:公交38路"),
        ("38路公交车司机甩站", "路:公交38路"),
        ("38公交车早班太晚", "路:公交38路"),
        ("公交38改道", "路:公交38路"),
        ("107国道货车噪音扰民", "路:107国道"),
        ("京藏高速噪声扰民", "路:京藏高速"),
        // Villages and towns.
        ("咨询柳溪镇石塘村五组土地确权问题", "街:柳溪镇 石塘村/5组"),
        // The gazetteer: one place under its names.
        ("阜外医院挂号难", "阜外医院"),
        ("阜成门外医院挂号难", "阜外医院"),
        ("荣丰小区群租严重", "荣丰2008"),
        ("荣丰2008小区群租房", "荣丰2008"),
        ("展览路街道百万庄社区卫生服务站不开门", "街:展览路街道 社:百万庄社区"),
        ("百万庄大街11号院3号楼漏水", "百万庄大街11号院/3栋"),
        ("三里河二区改造什么时候完成", "三里河二区"),
        ("護國寺街占道經營", "路:护国寺街"),
        // Nothing that says which one.
        ("我们小区门口的路灯坏了", ""),
        ("该小区没有物业", ""),
        ("整个小区停水三天", ""),
        ("附近学校放学时堵车", ""),
        ("这条路坑坑洼洼", ""),
        ("一条路上停满了车", ""),
        ("旁边的超市噪音大", ""),
        ("有关部门不作为", ""),
        ("全市的公园都要收费吗", ""),
        ("多个小区停电", ""),
        ("老旧小区加装电梯政策咨询", ""),
        ("请加强小区管理", ""),
        ("没有幼儿园怎么办", ""),
        ("开设便民超市的建议", ""),
        ("市场监管局不作为", ""),
        ("人民政府应当公开信息", ""),
        ("影响居民生活", ""),
        ("楼上开麻将馆", ""),
        ("中学生上学路上不安全", ""),
        // A shop that people go to is a place; companies and platforms are none.
        ("举报华信健身房跑路", "华信健身房"),
        ("举报华信普惠平台跑路", ""),
        ("某某科技有限公司非法集资", ""),
        ("西海岸的海鲜很贵", ""),
        ("", ""),
    ] {
        assert_eq!(show(&title(text)), expected, "{text}");
    }
}

#[test]
fn the_text_comes_after_the_title_and_each_name_once() {
    let text = "我是云栖雅苑的业主，云栖雅苑３号楼楼下的青溪饭店在石桥路上摆摊，云栖雅苑居民不堪其扰。";
    let mentions = PLACES.read(&PlaceFields::default(), &normalise("石桥路占道经营"), &normalise(text));
    assert_eq!(show(&mentions), "路:石桥路 云栖雅苑/3栋 青溪饭店");
    let span = mentions[1].span.unwrap();
    assert_eq!(&text[span.start as usize..span.end as usize], "云栖雅苑");
    assert_eq!((span.field, mentions[1].source), (Where::Text, PlaceSource::Form));
}

#[test]
fn fields_come_first() {
    let read = |district: &str, street: &str, community: &str, address: &str| {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let fields = PlaceFields {
            district: text(district),
            street: text(street),
            community: text(community),
            address: text(address),
            ..PlaceFields::default()
        };
        show(&PLACES.read(&fields, &normalise("停水"), &normalise("停水")))
    };
    for ((district, street, community, address), expected) in [
        (("西城区", "展览路街道", "百万庄社区", ""), "区:西城区 街:展览路街道 社:百万庄社区"),
        (("北京市西城区", "展览路", "万明园", ""), "区:西城区 街:展览路街道 社:万明园社区"),
        (("西城", "广外街道", "", ""), "区:西城区 街:广安门外街道"),
        (
            ("西城区", "展览路街道", "", "西城区展览路街道百万庄大街11号院3号楼"),
            "区:西城区 街:展览路街道 百万庄大街11号院/3栋",
        ),
        (("", "", "", "云栖雅苑小区5号楼2单元"), "云栖雅苑/5栋"),
        (("", "", "", "云栖紫郡5号楼"), "云栖紫郡/5栋"),
        (("", "", "", "石桥路89号"), "路:石桥路/89号"),
        (("", "柳溪街道", "", ""), "街:柳溪街道"),
        (("", " ", "", "  "), ""),
    ] {
        assert_eq!(read(district, street, community, address), expected, "{address}");
    }
}

#[test]
fn the_shipped_gazetteer() {
    let gazetteer = Gazetteer::builtin();
    assert_eq!(gazetteer.code("展览路街道", PlaceKind::Street), Some("110102009"));
    assert_eq!(gazetteer.code("西城区", PlaceKind::District), Some("110102"));
    assert_eq!(gazetteer.street_of("宣武医院", PlaceKind::Site), Some("广安门内街道"));
    assert_eq!(gazetteer.street_of("云栖雅苑", PlaceKind::Site), None);
    assert!(gazetteer.words().count() > 900);
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/places");
    let loaded = Gazetteer::load(std::path::Path::new(dir)).unwrap();
    assert_eq!(loaded.words().count(), gazetteer.words().count(), "a file is not built in");
    assert!(Marks::new(&Gazetteer::empty()).look("云栖雅苑", 9).known.is_empty());
}

/// `=` the same, `~` nearly (below 1), `?` unknown, `x` different.
fn related(a: &[PlaceMention], b: &[PlaceMention]) -> char {
    let there = relation(a, b);
    assert_eq!(there, relation(b, a), "not symmetric: {} | {}", show(a), show(b));
    match there {
        Relation::Same(strength) => {
            assert!(strength > 0.0 && strength <= 1.0);
            if strength > 0.99 { '=' } else { '~' }
        }
        Relation::Unknown => '?',
        Relation::Different => 'x',
    }
}

#[test]
fn relations_of_titles() {
    for (a, b, expected) in [
        ("云栖雅苑二期油烟扰民", "云栖雅苑2期楼下饭店", '='),
        ("云栖雅苑小区油烟", "反映A5区云栖雅苑油烟", '='),
        ("云栖雅苑一期漏水", "云栖雅苑二期漏水", '~'),
        // Said short, cut short.
        ("松风国际城油烟", "松风国际业主反映油烟", '~'),
        ("星河湾云栖雅苑漏水", "云栖雅苑漏水", '~'),
        // Misheard, mistyped.
        ("华贸城拖欠退款", "华茂城拖欠退款", '~'),
        ("青松雅苑停水", "清松雅苑停水", '~'),
        ("奥体望京花园停水", "奥体旺京花园停水", '~'),
        // Like names of other places.
        ("青松家园停水", "青松新村停水", 'x'),
        ("青松家园停水", "青竹家园停水", 'x'),
        ("金湾花园停水", "银湾花园停水", 'x'),
        ("东云栖花园停水", "西云栖花园停水", 'x'),
        ("云栖一村停水", "云栖二村停水", 'x'),
        ("石塘小学门口堵车", "石塘中学门口堵车", 'x'),
        ("三里河一区停水", "三里河二区停水", 'x'),
        ("红莲南里停水", "红莲北里停水", 'x'),
        ("动物园停车难", "北京动物园停车难", '='),
        // Roads.
        ("石桥路路灯不亮", "石桥路路灯坏了", '~'),
        ("石桥东路路灯不亮", "石桥西路路灯不亮", 'x'),
        ("石桥路89号漏水", "石桥路12号漏水", '~'),
        ("地铁19号线噪音", "地铁3号线噪音", 'x'),
        ("公交38路甩站", "38路公交车甩站", '~'),
        // One names a site, the other nothing, or something of another fineness.
        ("云栖雅苑停水", "小区停水", '?'),
        ("云栖雅苑停水", "石桥路停水", '?'),
        ("停水", "停电", '?'),
        // Two estates beside one road.
        ("石桥路云栖雅苑高压线", "石桥路青溪花园高压线", '?'),
        // The surroundings are shared, the site is not.
        ("青溪湖云栖雅苑停水", "青溪湖松月花园停水", '~'),
    ] {
        assert_eq!(related(&title(a), &title(b)), expected, "{a} | {b}");
    }
}

#[test]
fn what_is_mentioned_besides_binds_weakly_and_never_parts() {
    let read =
        |title: &str, text: &str| PLACES.read(&PlaceFields::default(), &normalise(title), &normalise(text));
    let own = read("云栖雅苑停水", "我住云栖雅苑，隔壁青溪花园有水");
    let neighbour = read("青溪花园停水", "青溪花园停水三天");
    let third = read("松月花园停水", "松月花园停水三天");
    let strength = |a, b| match relation(a, b) {
        Relation::Same(strength) => strength,
        other => panic!("{other:?}"),
    };
    assert!(strength(&own, &neighbour) < 0.8);
    assert!(strength(&own, &own) > 0.99);
    assert_eq!(relation(&own, &third), Relation::Different);
    assert!(PlaceKeys::new(&[]).is_empty());
    assert_eq!(show(&own), "云栖雅苑 青溪花园");
    assert_eq!(PlaceKeys::new(&own).hashes().count(), 2);
    assert_eq!(PlaceKeys::new(&own).hashes().nth(1), PlaceKeys::new(&neighbour).hashes().next());
}

#[test]
fn streets_part_only_when_fields_say_so() {
    let read = |street: &str, title: &str| {
        let fields = PlaceFields { street: Some(street.to_owned()), ..PlaceFields::default() };
        PLACES.read(&fields, &normalise(title), &normalise(""))
    };
    assert_eq!(related(&read("展览路街道", "停水"), &read("月坛街道", "停水")), 'x');
    assert_eq!(related(&read("展览路街道", "停水"), &read("展览路", "停水")), '?');
    assert_eq!(related(&read("展览路街道", "云栖雅苑停水"), &read("月坛街道", "云栖雅苑停水")), '=');
    assert_eq!(related(&title("柳溪街道停水"), &title("松月街道停水")), '?');
}

#[test]
fn a_text_that_lists_places_is_bounded() {
    let text: String = ('\u{4e00}'..'\u{7510}')
        .flat_map(|c| ["云栖", c.encode_utf8(&mut [0; 4]), "花园、"].concat().chars().collect::<Vec<_>>())
        .collect();
    let mentions = PLACES.read(&PlaceFields::default(), &normalise(""), &normalise(&text));
    assert!((1..=MAX_MENTIONS).contains(&mentions.len()));
    let text = "小区路里".repeat(20_000);
    assert!(PLACES.read(&PlaceFields::default(), &normalise(&text), &normalise(&text)).len() <= MAX_MENTIONS);
}

fn rough_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "小区",
            "花园",
            "路",
            "里",
            "云栖",
            "青溪",
            "二期",
            "3号楼",
            "A5区",
            "西城区",
            "百万庄",
            "动物园",
            "的",
            "反映",
            "“",
            "”",
            "公交",
            "政府",
            "法院",
            "38",
            "号院",
            "号线",
            "幼儿园",
            "城",
            "省",
            "Ａ座",
            "社区",
            "\u{200b}",
            "業主",
        ])
        .prop_map(String::from),
        "\\PC{1,3}",
        "[\u{4e00}-\u{9fff}]{1,4}",
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn reading_is_sound(title in rough_text(), text in rough_text(), address in proptest::option::of(rough_text())) {
        let fields = PlaceFields { address: address.clone(), street: address, ..PlaceFields::default() };
        let mentions = PLACES.read(&fields, &normalise(&title), &normalise(&text));
        prop_assert!(mentions.len() <= MAX_MENTIONS);
        for mention in &mentions {
            prop_assert!(!mention.name.is_empty());
            let Some(span) = mention.span else {
                prop_assert_eq!(mention.source, PlaceSource::Field);
                continue;
            };
            let original = if span.field == Where::Title { &title } else { &text };
            prop_assert!(span.start < span.end);
            prop_assert!(original.get(span.start as usize..span.end as usize).is_some());
        }
        prop_assert_eq!(&mentions, &PLACES.read(&fields, &normalise(&title), &normalise(&text)));
        match relation(&mentions, &mentions) {
            Relation::Different => prop_assert!(false, "differs from itself"),
            Relation::Same(strength) => prop_assert!(strength > 0.0 && strength <= 1.0),
            Relation::Unknown => {}
        }
    }

    /// And so are the endings that are not those of authorities.
    #[test]
    fn the_clauses_that_hold_a_mark_are_enough(text in rough_text()) {
        let text = normalise(&text);
        let text = head(text.text());
        let mut marked = PLACES.marks.look(text, MAX_MENTIONS * 4);
        marked.endings.clear();
        let mut start = 0;
        while let Some(next) = text[start..].chars().next() {
            let here = endings::ENDINGS.iter().filter(|ending| text[start..].starts_with(ending.text));
            let longest = here.max_by_key(|ending| ending.text.len());
            let end = start + longest.map_or(next.len_utf8(), |ending| ending.text.len());
            marked.endings.extend(longest.map(|what| marks::Stretch { start, end, what: *what }));
            start = end;
        }
        let all = PLACES.find_among(&PLACES.segmenter.cut(text), &marked, text, false);
        prop_assert_eq!(PLACES.find(text, false), all);
    }

    #[test]
    fn relation_is_symmetric(a in rough_text(), b in rough_text()) {
        let (a, b) = (PlaceKeys::new(&title(&a)), PlaceKeys::new(&title(&b)));
        prop_assert_eq!(a.relation(&b), b.relation(&a));
    }
}
