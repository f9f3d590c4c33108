//! Why people are told of an alert revision, beside what it says.

use serde::{Deserialize, Serialize};

use super::{Alert, AlertBody, AlertState};

/// Why a revision is told, compared with the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyReason {
    /// Nothing was told before.
    First,
    /// New callers after it was over.
    Reopened,
    /// It asks for more attention than before.
    LevelUp,
    /// It asks for less attention than before.
    LevelDown,
    /// More people.
    Growth,
    /// It is over, since nobody called for so long.
    Resolved,
    /// It goes on under another id.
    Merged,
    /// What was said before is no longer right.
    Corrected,
    /// The same once more.
    Repeat,
}

impl NotifyReason {
    /// The first of these that holds:
    ///
    /// | before | now | reason |
    /// |---|---|---|
    /// | nothing | | first |
    /// | | resolved, with `merged_into` | merged |
    /// | | resolved | resolved |
    /// | resolved | anything else | reopened |
    /// | a lower level | | level up |
    /// | a higher level | | level down |
    /// | fewer callers | | growth |
    /// | other words or members | | corrected |
    /// | the same | | repeat |
    #[must_use]
    pub fn of(before: Option<&Alert>, now: &Alert) -> Self {
        let Some(before) = before else { return Self::First };
        let is_merged = matches!(&now.body, AlertBody::Group(group) if group.merged_into.is_some());
        match now.state {
            AlertState::Resolved if is_merged => Self::Merged,
            AlertState::Resolved => Self::Resolved,
            AlertState::Reopened => Self::Reopened,
            _ if before.state == AlertState::Resolved => Self::Reopened,
            _ if now.level > before.level => Self::LevelUp,
            _ if now.level < before.level => Self::LevelDown,
            _ if now.callers > before.callers => Self::Growth,
            _ if (&now.title, &now.summary, &now.members, now.callers)
                != (&before.title, &before.summary, &before.members, before.callers) =>
            {
                Self::Corrected
            }
            _ => Self::Repeat,
        }
    }

    /// The Chinese name that people see.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::First => "首次提示",
            Self::Reopened => "再起",
            Self::LevelUp => "等级上升",
            Self::LevelDown => "等级下降",
            Self::Growth => "人数增长",
            Self::Resolved => "解除",
            Self::Merged => "并入其他事件",
            Self::Corrected => "更正",
            Self::Repeat => "重复",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AlertKind, GroupAlert, Level};

    fn alert(state: AlertState, level: Level, callers: u32) -> Alert {
        let at = jiff::Timestamp::UNIX_EPOCH;
        Alert {
            id: "QS-1".into(),
            revision: 1,
            partition: "main".into(),
            kind: AlertKind::GroupIncident,
            state,
            level,
            raised_at: at,
            title: "停水".into(),
            summary: String::new(),
            callers,
            complaints: callers,
            anonymous: 0,
            first_at: at,
            last_at: at,
            members: Vec::new(),
            body: AlertBody::Group(GroupAlert {
                group: "g".into(),
                place: None,
                key_terms: Vec::new(),
                central: "a".into(),
                threshold: 3,
                window_days: 30,
                evidence: Vec::new(),
                grouping: String::new(),
                pack: String::new(),
                usual: None,
                registered: None,
                copied: 0,
                merged_into: None,
            }),
        }
    }

    #[test]
    fn the_table_holds() {
        use AlertState::{Raised, Reopened, Resolved, Updated};
        let base = alert(Raised, Level::Yellow, 5);
        let mut merged = alert(Resolved, Level::Yellow, 5);
        if let AlertBody::Group(group) = &mut merged.body {
            group.merged_into = Some("QS-2".into());
        }
        let corrected = Alert { title: "停电".into(), ..alert(Updated, Level::Yellow, 5) };
        let over = alert(Resolved, Level::Yellow, 5);
        let table = [
            (None, base.clone(), NotifyReason::First),
            (Some(&base), merged, NotifyReason::Merged),
            (Some(&base), over.clone(), NotifyReason::Resolved),
            (Some(&over), alert(Reopened, Level::Yellow, 6), NotifyReason::Reopened),
            (Some(&over), alert(Updated, Level::Red, 60), NotifyReason::Reopened),
            (Some(&base), alert(Updated, Level::Red, 60), NotifyReason::LevelUp),
            (Some(&base), alert(Updated, Level::Blue, 3), NotifyReason::LevelDown),
            (Some(&base), alert(Updated, Level::Yellow, 9), NotifyReason::Growth),
            (Some(&base), corrected, NotifyReason::Corrected),
            (Some(&base), alert(Updated, Level::Yellow, 4), NotifyReason::Corrected),
            (Some(&base), alert(Updated, Level::Yellow, 5), NotifyReason::Repeat),
        ];
        for (before, now, reason) in table {
            assert_eq!(NotifyReason::of(before, &now), reason, "{:?} {:?}", now.state, now.level);
        }
    }
}
