//! Group robots of WeCom, DingTalk and Feishu: their forms, signatures and limits.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;

use super::super::http::Http;
use super::super::pace::Limit;
use super::super::plain::cut;
use super::super::sink::{Attempt, Sink, SinkFuture};
use super::super::{Backoff, TemplateError, Verdict, Words};
use super::codes::Vendor;
use super::config::{Robot, robot_address};
use super::{ChannelConfig, ChannelError, ChannelSecrets};
use crate::model::{Alert, Level};

/// An answer of a robot is far shorter.
const MOST_ANSWER_BYTES: usize = 4096;

/// The title of a message, which lists of chats show.
const MOST_TITLE_BYTES: usize = 200;

/// One line of a digest.
const MOST_LINE_BYTES: usize = 300;

/// Room for the head of a digest.
const MOST_HEAD_BYTES: usize = 300;

/// A group robot.
pub(super) struct RobotSink {
    name: String,
    vendor: Vendor,
    http: Http,
    url: Url,
    secret: Option<SecretString>,
    mention: Vec<String>,
    mention_from: Option<Level>,
    words: Arc<Words>,
    limit: Limit,
    timeout: Duration,
    backoff: Backoff,
    give_up_after: Option<Duration>,
}

impl RobotSink {
    pub(super) fn new(
        name: &str,
        config: &ChannelConfig,
        robot: Robot<'_>,
        secrets: &ChannelSecrets,
        words: &Arc<Words>,
    ) -> Result<Self, ChannelError> {
        let fault = |(setting, message)| ChannelError::Setting { channel: name.into(), setting, message };
        let vendor = robot.vendor;
        let (setting, secret_setting) = vendor.secret_settings();
        let text = secrets.get(setting).map_or("", |text| text.expose_secret());
        let url = robot_address(text, config.allow_plain)
            .map_err(|message| fault((setting.to_owned(), message)))?;
        let secret = secrets.get(secret_setting).cloned();
        let timeout = Duration::from_secs(config.timeout_seconds.into());
        let hidden = keys(&url).into_iter().chain(secret.clone()).collect();
        let http = Http::new(timeout, config.ca_file.as_deref(), HeaderMap::new(), hidden)
            .map_err(|error| ChannelError::Http { channel: name.into(), error })?;
        Ok(Self {
            name: name.into(),
            vendor,
            http,
            url,
            secret,
            mention: robot.mention.to_vec(),
            mention_from: robot.mention_from,
            words: Arc::clone(words),
            limit: Limit::per_minute(config.per_minute.unwrap_or(vendor.per_minute())),
            timeout,
            backoff: Backoff::new(&config.retry),
            give_up_after: config.give_up_after(),
        })
    }

    /// The longest text in bytes. WeCom takes 4096 of Markdown; DingTalk names no figure for Markdown
    /// and takes a request of 20 KB, as Feishu does, form and quoting included.
    fn most(&self) -> usize {
        match self.vendor {
            Vendor::Wecom => 4096,
            Vendor::Dingtalk | Vendor::Feishu => 12_000,
        }
    }

    fn template(&self) -> &'static str {
        match self.vendor {
            Vendor::Wecom => "wecom.markdown",
            Vendor::Dingtalk => "dingtalk.markdown",
            Vendor::Feishu => "feishu.markdown",
        }
    }

    /// What stands between the lines of a digest; DingTalk's Markdown joins lines without a gap.
    fn gap(&self) -> &'static str {
        if self.vendor == Vendor::Dingtalk { "\n\n" } else { "\n" }
    }

    /// Title and text of a message about these alerts, and whom to mention.
    fn message(&self, alerts: &[&Alert]) -> Result<Message, TemplateError> {
        let level = alerts.iter().map(|alert| alert.level).max().unwrap_or(Level::Blue);
        let mention: &[String] =
            if self.mention_from.is_some_and(|from| level >= from) { &self.mention } else { &[] };
        let mark = |id: &String| match self.vendor {
            Vendor::Wecom => format!("<@{id}>"),
            Vendor::Dingtalk => format!("@{id}"),
            Vendor::Feishu => format!("<at id={id}></at>"),
        };
        let marks: String = mention.iter().map(mark).collect::<Vec<_>>().join(" ");
        let room = self.most().saturating_sub(marks.len() + self.gap().len());
        let (title, mut text) = if let [alert] = alerts {
            let title = self.words.alert("subject.txt", alert, MOST_TITLE_BYTES)?;
            (title, self.words.alert(self.template(), alert, room)?)
        } else {
            let head = cut(&self.words.digest(alerts)?, MOST_HEAD_BYTES);
            let mut lines = self.lines(alerts)?;
            lines.insert(0, head.clone());
            (cut(&head, MOST_TITLE_BYTES), cut(&lines.join(self.gap()), room))
        };
        if !marks.is_empty() {
            text.push_str(self.gap());
            text.push_str(&marks);
        }
        Ok(Message { title, text, level, mention: mention.to_vec() })
    }

    fn lines(&self, alerts: &[&Alert]) -> Result<Vec<String>, TemplateError> {
        alerts.iter().map(|alert| self.words.alert("line.markdown", alert, MOST_LINE_BYTES)).collect()
    }

    /// The body of a request, and the address with what has to stand in it.
    fn request(&self, message: &Message, now: Timestamp) -> (Url, Value) {
        let Message { title, text, level, mention } = message;
        let mut url = self.url.clone();
        let body = match self.vendor {
            Vendor::Wecom => json!({ "msgtype": "markdown", "markdown": { "content": text } }),
            Vendor::Dingtalk => {
                if let Some(secret) = &self.secret {
                    let stamp = now.as_millisecond().to_string();
                    let sign = dingtalk_sign(secret, &stamp);
                    url.query_pairs_mut().append_pair("timestamp", &stamp).append_pair("sign", &sign);
                }
                json!({
                    "msgtype": "markdown",
                    "markdown": { "title": title, "text": text },
                    "at": { "atUserIds": mention, "isAtAll": false },
                })
            }
            Vendor::Feishu => {
                let color = match level {
                    Level::Red => "red",
                    Level::Orange => "orange",
                    Level::Yellow => "yellow",
                    Level::Blue => "blue",
                };
                let mut body = json!({
                    "msg_type": "interactive",
                    "card": {
                        "config": { "wide_screen_mode": true },
                        "header": { "title": { "tag": "plain_text", "content": title }, "template": color },
                        "elements": [{ "tag": "div", "text": { "tag": "lark_md", "content": text } }],
                    },
                });
                if let Some(secret) = &self.secret {
                    let stamp = now.as_second().to_string();
                    body["sign"] = feishu_sign(secret, &stamp).into();
                    body["timestamp"] = stamp.into();
                }
                body
            }
        };
        (url, body)
    }

    async fn attempt(&self, alerts: Vec<&Alert>, now: Timestamp) -> Attempt {
        let message = match self.message(&alerts) {
            Ok(message) => message,
            Err(error) => {
                let detail = format!("the message cannot be worded: {error}");
                return Attempt { verdict: Verdict::Refused, detail, retry_after: None };
            }
        };
        let (url, body) = self.request(&message, now);
        let request = self.http.post(url).json(&body);
        let answer = match self.http.send(request, now, MOST_ANSWER_BYTES).await {
            Ok(answer) => answer,
            Err(attempt) => return attempt,
        };
        let is_success = (200..300).contains(&answer.status);
        match self.vendor.judge(&answer.body) {
            // A failure that says 0 is one of something on the way.
            Some(judged) if is_success || judged.verdict != Verdict::Delivered => Attempt {
                verdict: judged.verdict,
                detail: self.http.excerpt(judged.said.as_bytes()),
                retry_after: answer.retry_after.max(judged.retry_after),
            },
            // A 2xx that is no robot's answer comes from something on the way, and nobody has it.
            None if is_success => Attempt {
                verdict: Verdict::MISCONFIGURED,
                detail: format!("not a robot's answer: {}", self.http.excerpt(&answer.body)),
                retry_after: None,
            },
            _ => self.http.by_status(&answer),
        }
    }
}

struct Message {
    title: String,
    text: String,
    level: Level,
    mention: Vec<String>,
}

impl Sink for RobotSink {
    fn name(&self) -> &str {
        &self.name
    }

    // Messages of a chat stand in the order in which they were sent.
    fn concurrency(&self) -> usize {
        1
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn backoff(&self) -> Backoff {
        self.backoff
    }

    fn give_up_after(&self) -> Option<Duration> {
        self.give_up_after
    }

    fn limit(&self) -> Option<Limit> {
        Some(self.limit)
    }

    fn holds(&self, alerts: &[&Alert]) -> usize {
        // What cannot be worded is sent alone, where its fault is told.
        let Ok(lines) = self.lines(alerts) else { return 1 };
        let marks: usize = self.mention.iter().map(|id| id.len() + 20).sum();
        let mut room = self.most().saturating_sub(MOST_HEAD_BYTES + marks);
        let fits = |line: &String| {
            let taken = line.len() + self.gap().len();
            let is_room = taken <= room;
            room = room.saturating_sub(taken);
            is_room
        };
        lines.iter().map(fits).take_while(|is_room| *is_room).count().max(1)
    }

    fn send<'s>(&'s self, alerts: &'s [&'s Alert], now: Timestamp) -> SinkFuture<'s> {
        Box::pin(self.attempt(alerts.to_vec(), now))
    }
}

/// What in a robot's address is as good as a password: the whole of it, and the key or token alone.
fn keys(url: &Url) -> Vec<SecretString> {
    let values = url.query_pairs().map(|(_, value)| value.into_owned());
    let last = url.path_segments().and_then(|mut parts| parts.next_back()).map(str::to_owned);
    std::iter::once(url.as_str().to_owned())
        .chain(values)
        // The last part of the path is the key of Feishu's, and the word `send` of the others'.
        .chain(last)
        .filter(|key| key.len() >= 8)
        .map(SecretString::from)
        .collect()
}

/// `base64(HMAC-SHA256(key = secret, "{stamp}\n{secret}"))`, stamp in milliseconds. Valid for an hour
/// around the vendor's clock.
fn dingtalk_sign(secret: &SecretString, stamp: &str) -> String {
    let secret = secret.expose_secret();
    hmac_base64(secret.as_bytes(), format!("{stamp}\n{secret}").as_bytes())
}

/// `base64(HMAC-SHA256(key = "{stamp}\n{secret}", ""))`, stamp in seconds: what DingTalk has as the
/// text is the key here. Valid for an hour around the vendor's clock.
fn feishu_sign(secret: &SecretString, stamp: &str) -> String {
    hmac_base64(format!("{stamp}\n{}", secret.expose_secret()).as_bytes(), b"")
}

fn hmac_base64(key: &[u8], text: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any bytes are a key");
    mac.update(text);
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::super::WecomConfig;
    use super::super::config::Kind;
    use super::*;

    fn sink() -> RobotSink {
        let wecom = WecomConfig {
            url_env: Some("UNUSED".into()),
            mention: vec!["zhangsan".into()],
            mention_from: Some(Level::Orange),
            ..WecomConfig::default()
        };
        let config = ChannelConfig { wecom: Some(wecom), ..ChannelConfig::default() };
        let url = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=PLANTED-PLANTED".into();
        let words = Arc::new(Words::load(None, Some("https://fenghuo.example")).unwrap());
        let Kind::Robot(robot) = config.kind().unwrap() else { panic!("a robot") };
        RobotSink::new("duty", &config, robot, &ChannelSecrets::from([("wecom.url", url)]), &words).unwrap()
    }

    // Both computed with Python's hmac, by the vendors' own examples.
    #[test]
    fn signatures_are_those_of_the_vendors() {
        let secret = SecretString::from("this is secret");
        assert_eq!(dingtalk_sign(&secret, "1577808000000"), "ijHEivi6YiCNPZOq4hZstmvZ3sPfbioAiMhP30ae7W0=");
        assert_eq!(feishu_sign(&secret, "1599360473"), "/eYKrXQBzTjUZJ3s6NX16VxGbTwmK7AEs8/FnvC1CSw=");
    }

    #[test]
    fn only_who_is_asked_for_is_mentioned_and_only_from_the_level_on() {
        let sink = sink();
        let of = |level| Alert { level, ..samples::group() };
        assert!(!sink.message(&[&of(Level::Yellow)]).unwrap().text.contains("zhangsan"));
        let (blue, red) = (of(Level::Blue), of(Level::Red));
        assert!(sink.message(&[&red]).unwrap().text.ends_with("\n<@zhangsan>"));
        assert!(sink.message(&[&blue, &red]).unwrap().text.ends_with("\n<@zhangsan>"));
    }

    #[test]
    fn any_message_keeps_to_the_length_and_a_digest_holds_a_line_for_each() {
        let sink = sink();
        let alerts = samples::all();
        for alert in &alerts {
            assert!(sink.message(&[alert]).unwrap().text.len() <= 4096);
        }
        let many: Vec<&Alert> = alerts.iter().cycle().take(300).collect();
        let holds = sink.holds(&many);
        assert!((20..60).contains(&holds), "{holds}");
        let text = sink.message(&many[..holds]).unwrap().text;
        assert!(text.len() <= 4096 && !text.contains('…'), "{} {text}", text.len());
        assert_eq!(text.lines().filter(|line| line.contains("[QS") || line.contains("[JR")).count(), holds);
    }
}
