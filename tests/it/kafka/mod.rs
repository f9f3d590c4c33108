//! The Kafka source against a real broker.

mod faults;
mod groups;
mod member;
mod reading;

/// `count` values that name themselves, from `first` on.
fn values(first: usize, count: usize) -> Vec<String> {
    (first..first + count).map(|n| format!("m{n}")).collect()
}

/// The value of a metric series, by the start of its line.
fn metric(series: &str) -> Option<i64> {
    let text = String::from_utf8(fenghuo::telemetry::render().unwrap()).unwrap();
    let line = text.lines().find(|line| line.starts_with(series))?;
    line.rsplit(' ').next()?.parse().ok()
}
