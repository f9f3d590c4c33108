//! Integration tests: one binary, one module for each room or promise.

mod cli;
mod deploy;
mod http;
mod licences;
