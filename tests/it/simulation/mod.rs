//! Deterministic simulation: the pipeline is killed at every step of every batch and started again
//! from the store, with other batch borders; deliveries are cut off between sending and noting.
//! Whatever happens, the receiver ends with the same alerts, each complaint in the same group and
//! the engines in the same state as in a run that nobody disturbed.
//!
//! No broker, no clock, no threads of its own: two sources are acted out here, one that keeps
//! positions (as Kafka and files do) and one that waits for answers and asks again (as HTTP
//! clients do).

mod borders;
mod crashes;
mod ending;
mod faults;
mod owners;
mod quiet;
mod world;
