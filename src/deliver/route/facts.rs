//! What routes can ask about an alert.

use crate::model::{Alert, AlertBody, AlertId, AlertKind, AlertState, ComplaintId, Level};
use crate::store::{DeliveryState, Store, StoreError};

/// What routes can ask about an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The alert.
    pub id: AlertId,
    /// Group incident or financial risk.
    pub kind: AlertKind,
    /// What has happened.
    pub state: AlertState,
    /// Its level.
    pub level: Level,
    /// The names on the path of categories; for risks also rules and their categories.
    pub categories: Vec<String>,
    /// The street office.
    pub streets: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// The place in words.
    pub place: Option<String>,
    /// The company or scheme.
    pub entity: Option<String>,
    /// Whether the channel had an earlier revision.
    pub was_told: bool,
}

impl Facts {
    /// What the alert itself says.
    #[must_use]
    pub fn of_alert(alert: &Alert) -> Self {
        let (place, entity) = super::place_and_entity(alert);
        let mut categories = Vec::new();
        if let AlertBody::Risk(risk) = &alert.body {
            for (_, hit) in &risk.hits {
                categories.extend([hit.rule.clone(), hit.category.clone()]);
            }
            categories.sort_unstable();
            categories.dedup();
        }
        Self {
            id: alert.id.clone(),
            kind: alert.kind,
            state: alert.state,
            level: alert.level,
            categories,
            streets: Vec::new(),
            tags: Vec::new(),
            place: place.map(str::to_owned),
            entity: entity.map(str::to_owned),
            was_told: false,
        }
    }

    /// The same with what is stored: category, street and tags of the complaint that speaks for the
    /// others, and whether `channel` had an earlier revision.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(alert: &Alert, channel: &str, store: &dyn Store) -> Result<Self, StoreError> {
        let mut facts = Self::of_alert(alert);
        if let Some(stored) = spokesman(alert).map(|id| store.complaint(id)).transpose()?.flatten() {
            let complaint = &stored.record.complaint;
            facts.categories.extend(complaint.category.iter().cloned());
            facts.streets.extend(complaint.place.street.clone());
            facts.tags.extend(complaint.tags.iter().cloned());
        }
        facts.was_told = store
            .deliveries(&alert.id)?
            .iter()
            .any(|delivery| delivery.sink == channel && delivery.state == DeliveryState::Delivered);
        Ok(facts)
    }
}

fn spokesman(alert: &Alert) -> Option<&ComplaintId> {
    match &alert.body {
        AlertBody::Group(group) => Some(&group.central),
        AlertBody::Risk(risk) => risk.hits.last().map(|(id, _)| id).or(alert.members.last()),
    }
}
