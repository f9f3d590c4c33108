//! Attention levels (关注等级) and the steps of growth that raise them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much attention an incident asks for, from blue (least) to red. An internal attention level:
/// it is not a public warning in the sense of the Emergency Response Law (Art. 63).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// 蓝
    Blue,
    /// 黄
    Yellow,
    /// 橙
    Orange,
    /// 红
    Red,
}

impl Level {
    /// The one-character Chinese name that alerts show.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Blue => "蓝",
            Self::Yellow => "黄",
            Self::Orange => "橙",
            Self::Red => "红",
        }
    }

    /// The stable English name, as in JSON and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The numbers of distinct callers at which an incident is raised, then told again. The first is
/// the threshold of an incident. Ascending, each at least 2; by default 3, 5, 10, 20, 50.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct GrowthSteps(Vec<u32>);

impl GrowthSteps {
    /// Takes ascending numbers, each at least 2 (one caller is never a group).
    ///
    /// # Errors
    /// Says in words what is wrong with the numbers.
    pub fn new(steps: Vec<u32>) -> Result<Self, String> {
        let Some(&first) = steps.first() else {
            return Err("growth steps are empty; give at least one, for example [3, 5, 10]".into());
        };
        if first < 2 {
            return Err(format!(
                "the first growth step is {first}; one caller is never a group, use 2 or more"
            ));
        }
        if !steps.is_sorted_by(|a, b| a < b) {
            return Err(format!("growth steps {steps:?} must rise from one to the next"));
        }
        Ok(Self(steps))
    }

    /// How many callers make an incident.
    #[must_use]
    pub fn threshold(&self) -> u32 {
        self.0[0]
    }

    /// The callers asked for by the `step`-th step, counted from 1.
    #[must_use]
    pub fn asked(&self, step: usize) -> u32 {
        self.0[step.clamp(1, self.0.len()) - 1]
    }

    /// How many steps `callers` distinct callers have reached: 0 below the threshold.
    #[must_use]
    pub fn reached(&self, callers: u32) -> usize {
        self.0.iter().take_while(|&&step| callers >= step).count()
    }

    /// The callers asked for by the next step above `callers`, if there is one.
    #[must_use]
    pub fn next(&self, callers: u32) -> Option<u32> {
        self.0.iter().copied().find(|&step| step > callers)
    }

    /// The level of an incident that has reached `steps` steps: 蓝 at the first, 红 from the fourth.
    #[must_use]
    pub fn level(steps: usize) -> Option<Level> {
        match steps {
            0 => None,
            1 => Some(Level::Blue),
            2 => Some(Level::Yellow),
            3 => Some(Level::Orange),
            _ => Some(Level::Red),
        }
    }
}

impl Default for GrowthSteps {
    fn default() -> Self {
        Self(vec![3, 5, 10, 20, 50])
    }
}

impl<'de> Deserialize<'de> for GrowthSteps {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_follow_the_steps() {
        let steps = GrowthSteps::default();
        let level = |callers| GrowthSteps::level(steps.reached(callers));
        assert_eq!(level(2), None);
        assert_eq!(level(3), Some(Level::Blue));
        assert_eq!(level(9), Some(Level::Yellow));
        assert_eq!(level(10), Some(Level::Orange));
        assert_eq!(level(20), Some(Level::Red));
        assert_eq!(level(50), Some(Level::Red));
        assert_eq!(steps.next(5), Some(10));
        assert_eq!(steps.next(50), None);
    }

    #[test]
    fn steps_that_make_no_sense_are_refused_with_the_reason() {
        assert!(GrowthSteps::new(vec![]).unwrap_err().contains("empty"));
        assert!(GrowthSteps::new(vec![1, 2]).unwrap_err().contains("one caller"));
        assert!(GrowthSteps::new(vec![3, 3]).unwrap_err().contains("must rise"));
    }
}
