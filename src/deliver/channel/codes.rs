//! What the error codes of group robots mean. They come in the body of an HTTP 200 (Feishu also
//! sends them with an HTTP 400).

use std::time::Duration;

use serde::Deserialize;

use super::super::{Blame, Verdict};

/// A robot's vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vendor {
    /// 企业微信: <https://developer.work.weixin.qq.com/document/path/91770>, codes at
    /// <https://developer.work.weixin.qq.com/document/path/90313>.
    Wecom,
    /// 钉钉: <https://open.dingtalk.com/document/orgapp/custom-robot-access>.
    Dingtalk,
    /// 飞书: <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>.
    Feishu,
}

/// An answer's code and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// How long the vendor keeps a robot shut out that was too fast.
    pub(super) retry_after: Option<Duration>,
    /// The code and the vendor's message.
    pub(super) said: String,
}

/// The forms of all three: `errcode`/`errmsg`, `code`/`msg`, and Feishu's older `StatusCode`.
#[derive(Debug, Deserialize)]
struct Body {
    #[serde(alias = "code", alias = "StatusCode")]
    errcode: i64,
    #[serde(default, alias = "msg", alias = "StatusMessage")]
    errmsg: String,
}

impl Vendor {
    /// The name of its table in the configuration.
    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Wecom => "wecom",
            Self::Dingtalk => "dingtalk",
            Self::Feishu => "feishu",
        }
    }

    /// The settings of a robot's address and of its secret, without their ends; WeCom has no secret.
    pub(super) fn secret_settings(self) -> (&'static str, &'static str) {
        match self {
            Self::Wecom => ("wecom.url", ""),
            Self::Dingtalk => ("dingtalk.url", "dingtalk.secret"),
            Self::Feishu => ("feishu.url", "feishu.secret"),
        }
    }

    /// How many messages a minute it takes.
    pub(super) fn per_minute(self) -> u32 {
        match self {
            Self::Wecom | Self::Dingtalk => 20,
            Self::Feishu => 100,
        }
    }

    /// What an answer means; `None` when its body is not a robot's, so that its status has to tell.
    pub(super) fn judge(self, body: &[u8]) -> Option<Judged> {
        let Body { errcode, errmsg } = parse(body)?;
        let verdict = self.verdict(errcode);
        let retry_after = self.is_too_fast(errcode).then_some(match self {
            // One message above 20 a minute blocks the robot for ten minutes.
            Self::Dingtalk => Duration::from_mins(10),
            Self::Wecom | Self::Feishu => Duration::from_mins(1),
        });
        Some(Judged { verdict, retry_after, said: format!("code {errcode} {errmsg}") })
    }

    /// | vendor | code | verdict | why |
    /// |---|---|---|---|
    /// | all | 0 | delivered | |
    /// | WeCom | 45009, 45033; -1 | the sink pauses | too fast; busy |
    /// | WeCom | 93000, 93004, 93008, 60020, 40001, 40014, 41001 | retry, alarm | address, robot or our IP address is not taken |
    /// | WeCom | 40008, 40058, 44004, 45002 | refused | form, length or content of this message |
    /// | DingTalk | 130101, 410100; -1 | the sink pauses | too fast; busy |
    /// | DingTalk | 310000 | retry, alarm | the robot's safety setting: signature, time, keyword or IP address |
    /// | DingTalk | 300001, 300005, 400013, 400101, 400102, 400106 | retry, alarm | token, robot or group is gone |
    /// | DingTalk | 40035, 43004, 400105, 430101 to 430104, 460101 | refused | form, content or length of this message |
    /// | Feishu | 11232 | the sink pauses | too fast, also for all robots together at full hours |
    /// | Feishu | 19001, 19021, 19022, 19024 | retry, alarm | address; signature or time; IP address; keyword |
    /// | Feishu | 9499, 19002, 19036 | refused | form or length of this message |
    /// | any | another | retry, alarm | a code we do not know: nothing is put aside for it |
    fn verdict(self, code: i64) -> Verdict {
        const BUSY: Verdict = Verdict::UNREACHABLE;
        match (self, code) {
            (_, 0) => Verdict::Delivered,
            _ if self.is_too_fast(code) => BUSY,
            (Self::Wecom | Self::Dingtalk, -1) => BUSY,
            (Self::Wecom, 40_008 | 40_058 | 44_004 | 45_002)
            | (Self::Dingtalk, 40_035 | 43_004 | 400_105 | 430_101..=430_104 | 460_101)
            | (Self::Feishu, 9499 | 19_002 | 19_036) => Verdict::Refused,
            (Self::Wecom, 93_000 | 93_004 | 93_008 | 60_020 | 40_001 | 40_014 | 41_001)
            | (Self::Dingtalk, 310_000 | 300_001 | 300_005 | 400_013 | 400_101 | 400_102 | 400_106)
            | (Self::Feishu, 19_001 | 19_021 | 19_022 | 19_024) => Verdict::MISCONFIGURED,
            _ => Verdict::Retry { blame: Blame::Row, alarm: true },
        }
    }

    fn is_too_fast(self, code: i64) -> bool {
        match self {
            Self::Wecom => matches!(code, 45_009 | 45_033),
            Self::Dingtalk => matches!(code, 130_101 | 410_100),
            Self::Feishu => code == 11_232,
        }
    }
}

// Feishu answers with `code` and `StatusCode` side by side, which serde would take for a repeat.
fn parse(body: &[u8]) -> Option<Body> {
    let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    if fields.contains_key("code") {
        fields.remove("StatusCode");
        fields.remove("StatusMessage");
    }
    serde_json::from_value(fields.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_codes_holds() {
        let mut lines = Vec::new();
        for (vendor, codes) in [
            (Vendor::Wecom, &[0, -1, 45_009, 45_033, 93_000, 60_020, 40_058, 45_002, 7][..]),
            (Vendor::Dingtalk, &[0, -1, 130_101, 410_100, 310_000, 300_001, 430_101, 460_101, 7]),
            (Vendor::Feishu, &[0, 11_232, 19_001, 19_021, 19_022, 19_024, 9499, 19_036, -1]),
        ] {
            for code in codes {
                let judged =
                    vendor.judge(format!(r#"{{"errcode":{code},"errmsg":"m"}}"#).as_bytes()).unwrap();
                let wait = judged.retry_after.map_or(0, |wait| wait.as_secs());
                lines.push(format!("{vendor:?} {code} {} {wait}", judged.verdict.as_str()));
            }
        }
        insta::assert_snapshot!(lines.join("\n"), @r"
        Wecom 0 delivered 0
        Wecom -1 retry 0
        Wecom 45009 retry 60
        Wecom 45033 retry 60
        Wecom 93000 alarm 0
        Wecom 60020 alarm 0
        Wecom 40058 refused 0
        Wecom 45002 refused 0
        Wecom 7 alarm 0
        Dingtalk 0 delivered 0
        Dingtalk -1 retry 0
        Dingtalk 130101 retry 600
        Dingtalk 410100 retry 600
        Dingtalk 310000 alarm 0
        Dingtalk 300001 alarm 0
        Dingtalk 430101 refused 0
        Dingtalk 460101 refused 0
        Dingtalk 7 alarm 0
        Feishu 0 delivered 0
        Feishu 11232 retry 60
        Feishu 19001 alarm 0
        Feishu 19021 alarm 0
        Feishu 19022 alarm 0
        Feishu 19024 alarm 0
        Feishu 9499 refused 0
        Feishu 19036 refused 0
        Feishu -1 alarm 0
        ");
    }

    #[test]
    fn all_forms_of_answers_are_read() {
        let said = |body: &str| Vendor::Feishu.judge(body.as_bytes()).map(|judged| judged.said);
        let both = r#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#;
        assert_eq!(said(both).as_deref(), Some("code 0 success"));
        assert_eq!(said(r#"{"StatusCode":9499,"StatusMessage":"Bad"}"#).as_deref(), Some("code 9499 Bad"));
        assert_eq!(
            said(r#"{"code":19021,"msg":"sign match fail"}"#).as_deref(),
            Some("code 19021 sign match fail")
        );
        for other in ["", "<html>", "[]", "{}", r#"{"code":"x"}"#] {
            assert_eq!(said(other), None, "{other}");
        }
    }
}
