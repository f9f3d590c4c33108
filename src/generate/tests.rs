//! What the stream promises, whatever the settings.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn lines(config: GenerateConfig) -> (String, Vec<Generated>, Generator) {
    let mut generator = Generator::new(config).expect("a valid configuration");
    let events: Vec<Generated> = generator.by_ref().collect();
    let mut out = Vec::new();
    for event in &events {
        event.write_json(&mut out);
        out.push(b'\n');
    }
    (String::from_utf8(out).unwrap(), events, generator)
}

fn config(seed: u64, events: u64) -> GenerateConfig {
    GenerateConfig { seed, ..GenerateConfig::spread(events, 14) }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (first, ..) = lines(config(7, 1500));
    assert_eq!(first, lines(config(7, 1500)).0);
    let (other, ..) = lines(config(8, 1500));
    assert_ne!(first, other);
    let texts = |lines: &str| -> BTreeSet<String> {
        lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].to_string())
            .collect()
    };
    let shared = texts(&first).intersection(&texts(&other)).count();
    assert!(shared < 15, "{shared} texts in common");
}

#[test]
fn the_beginning_does_not_hang_on_where_the_truth_goes() {
    let kept = lines(config(7, 600)).0;
    let dropped = lines(GenerateConfig { keep_truth: false, ..config(7, 600) }).0;
    assert_eq!(kept, dropped);
}

#[test]
fn lines_are_complaints_of_the_event_format() {
    let (text, events, _) = lines(config(3, 800));
    for (line, event) in text.lines().zip(&events) {
        let read: crate::model::Complaint = serde_json::from_str(line).unwrap();
        assert_eq!(read, event.complaint);
        assert!(line.contains("+08:00"));
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["caller"].as_object().unwrap().contains_key("id"), "{line}");
        assert!(!event.complaint.text.contains(['{', '}']), "{}", event.complaint.text);
    }
}

#[test]
fn the_truth_names_only_complaints_that_came_and_all_of_a_matter() {
    let (_, events, generator) = lines(config(5, 6000));
    let mut by_matter: BTreeMap<MatterId, BTreeSet<String>> = BTreeMap::new();
    for event in &events {
        by_matter.entry(event.matter).or_default().insert(event.complaint.id.to_string());
    }
    let expected: BTreeSet<BTreeSet<String>> = by_matter.into_values().filter(|ids| ids.len() > 1).collect();
    let truth: Vec<TruthMatter> = generator.truth().collect();
    let told: BTreeSet<BTreeSet<String>> =
        truth.iter().map(|matter| matter.ids.iter().cloned().collect()).collect();
    assert_eq!(told, expected);
    assert!(
        truth.iter().all(|matter| matter.callers_30d <= matter.callers && matter.callers <= matter.ids.len())
    );
    assert!(truth.iter().any(|matter| matter.kind == "theme"));
    assert!(truth.iter().any(|matter| matter.callers == 1 && matter.ids.len() > 5), "one caller's repeats");
    assert!(truth.iter().any(|matter| matter.callers_30d >= 10), "a large incident");
    assert!(generator.apart().count() > 20);
    let matter_of: BTreeMap<String, MatterId> =
        events.iter().map(|event| (event.complaint.id.to_string(), event.matter)).collect();
    for pair in generator.apart() {
        assert_ne!(matter_of[&pair.a], matter_of[&pair.b], "{pair:?}");
    }
    let alike: Vec<f64> =
        generator.apart().filter(|pair| pair.why.starts_with("near")).map(|pair| pair.body_jaccard).collect();
    assert!(alike.iter().sum::<f64>() / alike.len() as f64 > 0.6, "the same text: {alike:?}");
}

#[test]
fn without_noise_names_stand_as_they_are() {
    let quiet = GenerateConfig { noise: 0.0, ..config(11, 3000) };
    let (_, events, generator) = lines(quiet);
    let by_id: BTreeMap<String, &Generated> =
        events.iter().map(|event| (event.complaint.id.to_string(), event)).collect();
    let mut seen = 0;
    for matter in generator.truth().filter(|matter| matter.kind == "matter") {
        let name = matter.title.split('|').next().unwrap();
        for id in &matter.ids {
            let complaint = &by_id[id].complaint;
            let everything = serde_json::to_string(complaint).unwrap();
            // The bus of line 612 may be called 612路 or 612路公交车.
            let name = name.trim_end_matches("公交");
            seen += usize::from(everything.contains(name));
            assert!(
                everything.contains(name) || complaint.title.is_empty() || !complaint.text.is_empty(),
                "{name}: {everything}"
            );
        }
    }
    let all: usize =
        generator.truth().filter(|matter| matter.kind == "matter").map(|matter| matter.ids.len()).sum();
    assert_eq!(seen, all, "every complaint names its place or company");
}

#[test]
fn events_come_in_the_order_of_their_time_but_for_the_late_ones() {
    let late = GenerateConfig { late: 0.05, repeats: 0.02, updates: 0.02, ..config(13, 5000) };
    let (_, events, _) = lines(late);
    let in_time: Vec<_> = events
        .iter()
        .filter(|event| event.delivery == Delivery::InTime)
        .map(|event| event.complaint.received_at)
        .collect();
    assert!(in_time.is_sorted());
    let count = |delivery| events.iter().filter(|event| event.delivery == delivery).count();
    assert!((150..350).contains(&count(Delivery::Late)), "{}", count(Delivery::Late));
    let mut seen: BTreeMap<String, &crate::model::Complaint> = BTreeMap::new();
    for event in &events {
        let id = event.complaint.id.to_string();
        match event.delivery {
            Delivery::InTime | Delivery::Late => assert!(seen.insert(id, &event.complaint).is_none()),
            Delivery::Repeat => assert_eq!(seen[&id], &event.complaint),
            Delivery::Update => {
                assert_ne!(seen.insert(id, &event.complaint).unwrap(), &event.complaint);
            }
        }
    }
    assert!(count(Delivery::Repeat) > 50 && count(Delivery::Update) > 50);
    let newest = |until: usize| in_time[..until].iter().max().copied();
    assert!(newest(10).is_some());
}

#[test]
fn the_share_of_group_complaints_is_about_the_one_asked_for() {
    for groups in [0.0, 0.3, 0.6] {
        let (_, events, generator) = lines(GenerateConfig { groups, ..GenerateConfig::spread(20_000, 60) });
        let grouped: usize =
            generator.truth().filter(|matter| matter.kind == "matter").map(|matter| matter.ids.len()).sum();
        let share = grouped as f64 / events.len() as f64;
        // Singles meet by chance, and matters outlast the stream.
        assert!((groups - 0.12..groups + 0.2).contains(&share), "{share} for {groups}");
    }
}

#[test]
fn a_setting_out_of_range_is_named() {
    let error = Generator::new(GenerateConfig { noise: 2.0, ..config(1, 10) }).err().unwrap();
    insta::assert_snapshot!(error, @"generate.noise is 2; use 0 to 0.3");
    let error = Generator::new(GenerateConfig { events_per_day: 0, ..config(1, 10) }).err().unwrap();
    insta::assert_snapshot!(error, @"generate.events_per_day is 0; use 1 to 10000000");
}

#[test]
fn writing_gives_stream_truth_and_pairs() {
    let (mut out, mut truth, mut apart) = (Vec::new(), Vec::new(), Vec::new());
    let summary = write(config(2, 4000), &mut out, Some(&mut truth), Some(&mut apart)).unwrap();
    assert_eq!(String::from_utf8(out).unwrap().lines().count() as u64, summary.events);
    assert_eq!(summary.complaints + summary.repeats + summary.updates, 4000);
    let matters: Vec<serde_json::Value> = serde_json::from_slice(&truth).unwrap();
    assert_eq!(matters.len() as u64, summary.matters);
    let rows = csv::Reader::from_reader(apart.as_slice()).into_records().count();
    assert_eq!(rows as u64, summary.apart);
    let endless = GenerateConfig { events: None, ..config(2, 1) };
    let error = write(endless, std::io::sink(), Some(std::io::sink()), None::<std::io::Sink>).unwrap_err();
    assert!(error.to_string().contains("endless"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_valid_settings_give_the_number_of_events_asked_for(
        seed: u64,
        events in 0_u64..400,
        events_per_day in 1_u32..100_000,
        noise in 0.0..0.3,
        groups in 0.0..0.9,
        themes in 0.0..0.5,
        late in 0.0..0.5,
        again in 0.0..0.25,
        estates in 20_u32..24_000,
    ) {
        let config = GenerateConfig {
            seed, events: Some(events), events_per_day, noise, groups, themes, late,
            repeats: again, updates: again, estates: Some(estates), ..GenerateConfig::default()
        };
        let start = config.start;
        let (_, made, _) = lines(config);
        prop_assert_eq!(made.len() as u64, events);
        for event in made {
            prop_assert!(event.complaint.received_at >= start);
            prop_assert!(!event.complaint.text.is_empty());
        }
    }
}
