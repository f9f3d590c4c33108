//! Who counts, in which window, above what is usual, and what is told of it.

use super::{Desk, KILN, PREPARER};
use crate::engine::EngineConfig;
use crate::group::{CountWindow, Registered};
use crate::model::{AlertState, GrowthSteps, Level, Usual};

#[test]
fn what_is_usual_at_a_place_raises_no_level() {
    let mut desk = Desk::new();
    let mut caller = 0;
    let mut call = |desk: &mut Desk| {
        caller += 1;
        desk.call(&format!("a{caller}"), Some(&format!("1390000{caller:04}")), "青石里小区", KILN[caller % 4])
    };
    for _ in 0..4 {
        for _ in 0..6 {
            call(&mut desk);
        }
        desk.wait(30 * 24);
    }
    assert_eq!(desk.told[0].level, Level::Blue, "nothing is usual at first");
    assert_eq!(desk.told[1].level, Level::Yellow, "and five are many");
    desk.told.clear();
    for _ in 0..14 {
        call(&mut desk);
    }
    let told: Vec<_> = desk.told.iter().map(|alert| (alert.state, alert.level, alert.callers)).collect();
    // Six call each month: the level follows the callers beyond them, and three are told all the same.
    let expected = [(AlertState::Reopened, Level::Blue, 3), (AlertState::Updated, Level::Yellow, 11)];
    assert_eq!(told, expected);
    assert_eq!(desk.last_group().usual.map(Usual::rounded), Some(6));
    assert_eq!(desk.last_group().pack, PREPARER.knowledge().pack.hash(), "the rules in use are named");
    assert!(desk.last().summary.contains("平时每30天约6人"), "{}", desk.last().summary);
}

#[test]
fn a_registered_matter_is_told_when_it_breaks_through() {
    let mut config = EngineConfig::default();
    config.group.registered = vec![Registered {
        name: "青石里搅拌站".to_owned(),
        place: Some("青石里小区".to_owned()),
        words: vec!["搅拌站".to_owned()],
        callers: 4,
        until: Some("2026-03-31".parse().unwrap()),
    }];
    let call = |desk: &mut Desk, number: usize, place: &str, text: &str| {
        let caller = format!("1390000{number:04}");
        desk.call(&format!("{place}{number}"), Some(&caller), place, &text.replace("青石里", place))
    };
    let mut desk = Desk::with(config.clone());
    for (number, text) in KILN.iter().enumerate().take(3) {
        assert_eq!(call(&mut desk, number, "青石里小区", text), []);
    }
    assert_eq!(desk.decided.registered.as_deref(), Some("青石里搅拌站"), "what was not told is on record");
    assert_eq!(call(&mut desk, 3, "青石里小区", KILN[3]), [(AlertState::Raised, Level::Blue)]);
    assert_eq!(desk.last_group().registered.as_deref(), Some("青石里搅拌站"));
    assert!(desk.last().summary.contains("该事项已登记（青石里搅拌站）"), "{}", desk.last().summary);
    // The same elsewhere is another matter.
    for (number, text) in KILN.iter().enumerate().take(3) {
        call(&mut desk, number, "碧水庄园", text);
    }
    assert_eq!((desk.last().state, desk.last().callers), (AlertState::Raised, 3));

    let mut later = Desk::with(config);
    later.wait(31 * 24);
    for (number, text) in KILN.iter().enumerate().take(3) {
        call(&mut later, number, "青石里小区", text);
    }
    assert_eq!(later.told.len(), 1, "registered until the end of March");
}

#[test]
fn one_text_sent_by_many_is_said_to_be_and_counts() {
    let text = "青石里小区旁边的搅拌站违反环评要求，夜里偷偷施工到凌晨，运输车辆噪音很大，粉尘飘进家里，\
                老人孩子咳嗽不止，多次向物业和居委会反映没有结果，请求有关部门立即查处并公开结果。";
    let mut desk = Desk::new();
    for number in 0..3 {
        let caller = format!("1390000{number:04}");
        desk.call(&format!("c{number}"), Some(&caller), "青石里小区", &format!("{text}我是{number}号楼的。"));
    }
    assert_eq!((desk.last().callers, desk.last_group().copied), (3, 3));
    assert!(desk.last().summary.contains("3人的文字几乎相同，疑似一键转发"), "{}", desk.last().summary);

    let mut desk = Desk::new();
    for (number, text) in KILN.iter().enumerate() {
        desk.call(&format!("a{number}"), Some(&format!("1390000{number:04}")), "青石里小区", text);
    }
    assert_eq!(desk.last_group().copied, 0);
}

#[test]
fn each_window_has_steps_of_its_own() {
    let mut config = EngineConfig::default();
    let steps = |steps: &[u32]| GrowthSteps::new(steps.to_vec()).unwrap();
    let window = |days, steps| CountWindow { days, steps, steps_by_category: [].into() };
    config.group.further_windows = vec![window(1, steps(&[2])), window(120, steps(&[4, 6]))];
    let call = |desk: &mut Desk, number: usize, hours: i64| {
        desk.wait(hours);
        let caller = format!("1390000{number:04}");
        desk.call(&format!("a{number}"), Some(&caller), "青石里小区", KILN[number % 4])
    };
    // Two within a day are told, long before three are.
    let mut burst = Desk::with(config.clone());
    assert_eq!(call(&mut burst, 0, 0), []);
    assert_eq!(call(&mut burst, 1, 2), [(AlertState::Raised, Level::Blue)]);
    assert_eq!(
        (burst.last_group().window_days, burst.last_group().threshold, burst.last().callers),
        (1, 2, 2)
    );
    assert!(burst.last().summary.contains("1天内达到2人"), "{}", burst.last().summary);
    // One every three weeks: never three in a month, four in four months.
    let mut slow = Desk::with(config);
    for number in 0..3 {
        assert_eq!(call(&mut slow, number, 21 * 24), []);
    }
    assert_eq!(call(&mut slow, 3, 21 * 24), [(AlertState::Raised, Level::Blue)]);
    assert_eq!((slow.last_group().window_days, slow.last().callers), (120, 4));
    assert_eq!(call(&mut slow, 4, 21), []);
    // Two in a day open it again after its end, though four months count more than them.
    slow.wait(15 * 24);
    assert_eq!(slow.last().state, AlertState::Resolved);
    assert_eq!(call(&mut slow, 5, 24), []);
    let again = call(&mut slow, 6, 2);
    assert_eq!(again.first().map(|(state, _)| *state), Some(AlertState::Reopened), "{again:?}");
}

#[test]
fn who_goes_on_from_an_earlier_order_is_the_same_person_with_the_same_matter() {
    let mut desk = Desk::new();
    let phone = |number: usize| format!("1390000{number:04}");
    for (number, text) in KILN.iter().enumerate().take(2) {
        desk.call(&format!("a{number}"), Some(&phone(number)), "青石里小区", text);
    }
    // From another phone and in other words, yet the hotline knows whose order it goes on from.
    desk.earlier = Some("a0".to_owned());
    assert_eq!(desk.call("a2", Some(&phone(7)), "", "上次反映的事到现在没有人管，请尽快回复。"), []);
    desk.earlier = Some("a2".to_owned());
    assert_eq!(desk.call("a3", None, "", "第三次来电催办，还是没有结果。"), []);
    assert_eq!(desk.call("a4", Some(&phone(4)), "青石里小区", KILN[2]), [(AlertState::Raised, Level::Blue)]);
    assert_eq!((desk.last().callers, desk.last().complaints, desk.last().anonymous), (3, 5, 0));
    let (_, why) = desk.last_group().evidence.iter().find(|(id, _)| id.as_str() == "a2").unwrap();
    assert!(why.parts.iter().any(|part| part.what == "earlier"), "{:?}", why.parts);
    // An order that nobody knows any more links nothing.
    desk.earlier = Some("x9".to_owned());
    assert_eq!(desk.call("a5", Some(&phone(5)), "云栖雅苑", "催办上次的事。"), []);
    assert_eq!(desk.last().callers, 3);
}

#[test]
fn two_matters_of_one_place_that_share_its_name_alone_stay_apart() {
    let mut desk = Desk::new();
    desk.call("a0", Some("13900000000"), "", "云栖雅苑升降机困人");
    desk.call("a1", Some("13900000001"), "", "云栖雅苑歌舞厅吵闹");
    let apart = desk.decided.kept_apart.first().map(|apart| (apart.nearest.as_str(), apart.reason.as_str()));
    assert_eq!((apart, &desk.decided.group), (Some(("a0", "only_the_place")), &None));
    desk.call("a2", Some("13900000002"), "", "云栖雅苑升降机又困住人了");
    assert_eq!(desk.decided.evidence.as_ref().map(|evidence| evidence.nearest.as_str()), Some("a0"));
}

#[test]
fn who_is_alone_leaves_early_and_a_group_stays() {
    let mut config = EngineConfig::default();
    config.group.alone_days = 10;
    let mut desk = Desk::with(config);
    desk.call("alone", Some("13900000001"), "青石里小区", KILN[0]);
    desk.wait(9 * 24);
    desk.call("with", Some("13900000002"), "青石里小区", KILN[1]);
    assert!(desk.decided.group.is_some(), "still open");
    desk.call("other", Some("13900000003"), "白塔巷小区", "电梯停运三天了，老人下不了楼，物业不管");
    desk.wait(11 * 24);
    assert_eq!(desk.engine.status().open_complaints, 2, "only the group is open");
    desk.call("late", Some("13900000004"), "青石里小区", KILN[2]);
    assert!(desk.decided.group.is_some(), "it is found as long as `match_days`");
    desk.call("another", Some("13900000005"), "白塔巷小区", "电梯停运三天了，老人下不了楼，物业不管");
    assert!(desk.decided.group.is_none(), "nobody is there any more");
}
