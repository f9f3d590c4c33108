//! Identifiers. Newtypes, so that a group's id cannot be handed in where a complaint's is meant.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }
    };
}

text_id! {
    /// The number a hotline gave a work order (工单编号). Unique over all sources; 1 to 128 bytes.
    ComplaintId
}
text_id! {
    /// A group of complaints about one matter at one place. Made from the complaint that joined
    /// first, so that the same stream always gives the same ids; never reused.
    GroupId
}
text_id! {
    /// An incident or risk case as people and receivers know it, for example `QS20260301-7F3K2QXA`
    /// (群诉) or `JR20260301-0C4M9TPD` (金融风险). All revisions of one alert carry the same id.
    AlertId
}
text_id! {
    /// The scope of one engine: complaints group only within it. `main` in embedded mode and for
    /// Kafka read together, `kafka:TOPIC/3` when each Kafka partition has an engine of its own.
    PartitionKey
}
