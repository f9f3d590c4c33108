//! What happens at the Kafka source.

mod group;
mod reading;

pub use group::*;
pub use reading::*;
