//! What the console asks of the store.

use std::sync::Arc;

use crate::model::{Alert, AlertId, ComplaintId, Judgement};
use crate::store::{AlertFilter, Delivery, Store, StoreError, StoredAlert, StoredComplaint};

/// Reads what was decided. A narrow view of [`Store`], so that the console cannot change anything.
/// Calls may block.
pub trait ReadModel: Send + Sync {
    /// See [`Store::alerts`].
    fn alerts(&self, filter: &AlertFilter, limit: u32) -> Result<Vec<StoredAlert>, StoreError>;

    /// See [`Store::alert`].
    fn alert(&self, id: &AlertId) -> Result<Vec<Alert>, StoreError>;

    /// See [`Store::judgements`].
    fn judgements(&self, id: &AlertId) -> Result<Vec<Judgement>, StoreError>;

    /// See [`Store::complaint`].
    fn complaint(&self, id: &ComplaintId) -> Result<Option<StoredComplaint>, StoreError>;

    /// See [`Store::deliveries`].
    fn deliveries(&self, id: &AlertId) -> Result<Vec<Delivery>, StoreError>;
}

impl<S: Store + ?Sized> ReadModel for Arc<S> {
    fn alerts(&self, filter: &AlertFilter, limit: u32) -> Result<Vec<StoredAlert>, StoreError> {
        (**self).alerts(filter, limit)
    }

    fn alert(&self, id: &AlertId) -> Result<Vec<Alert>, StoreError> {
        (**self).alert(id)
    }

    fn judgements(&self, id: &AlertId) -> Result<Vec<Judgement>, StoreError> {
        (**self).judgements(Some(id))
    }

    fn complaint(&self, id: &ComplaintId) -> Result<Option<StoredComplaint>, StoreError> {
        (**self).complaint(id)
    }

    fn deliveries(&self, id: &AlertId) -> Result<Vec<Delivery>, StoreError> {
        (**self).deliveries(id)
    }
}

/// Asks on a thread that may block.
pub(super) async fn ask<T: Send + 'static>(
    model: Arc<dyn ReadModel>,
    ask: impl FnOnce(&dyn ReadModel) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(move || ask(&*model)).await {
        Ok(answer) => answer,
        Err(error) => Err(StoreError::Other(error.to_string())),
    }
}
