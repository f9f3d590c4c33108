//! temporary
use crate::model::*;
use crate::text::*;
pub struct M {
    pub name: String,
    pub span: Option<Span>,
}
pub fn mentions(_: &Complaint, _: &Normalised, _: &Normalised) -> Vec<M> {
    vec![]
}
pub fn same(a: &str, b: &str) -> bool {
    a == b
}
