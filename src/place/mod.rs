//! temporary
use crate::model::{PlaceKind, PlaceMention};
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Relation {
    Same(f32),
    Unknown,
    Different,
}
pub fn relation(a: &[PlaceMention], b: &[PlaceMention]) -> Relation {
    let (mut x, mut y) = (false, false);
    for p in a {
        if p.kind == PlaceKind::Site {
            x = true;
            for q in b {
                if q.kind == PlaceKind::Site {
                    y = true;
                    if p.name == q.name {
                        return Relation::Same(1.0);
                    }
                }
            }
        }
    }
    if x && y { Relation::Different } else { Relation::Unknown }
}

use crate::model::PlaceFields;
use crate::text::*;
#[derive(Debug)]
pub struct Places;
impl Places {
    pub fn read(&self, _: &PlaceFields, _: &Normalised, _: &Normalised) -> Vec<PlaceMention> {
        vec![]
    }
}
