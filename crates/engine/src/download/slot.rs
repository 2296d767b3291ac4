//! Slots: which files of a limited license are being sent to their end by this server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use scrip_domain::Id;
use scrip_domain::catalog::File;
use scrip_domain::license::License;

use super::{DownloadRefusal, Grant, is_free, used_up};
use crate::{Engine, Outcome};

/// The slots that are held: for each license the file of each answer.
#[derive(Debug, Default)]
pub(crate) struct Slots(Mutex<BTreeMap<Id<License>, Vec<Id<File>>>>);

/// A slot: the file that it is for takes part in the license's limit until it is dropped.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    license: Id<License>,
    file: Id<File>,
}

impl Slots {
    /// Takes a slot, and tells for which other files of the license there are any.
    fn take(self: &Arc<Self>, license: Id<License>, file: Id<File>) -> (Slot, BTreeSet<Id<File>>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let files = held.entry(license).or_default();
        let others = files.iter().copied().filter(|other| *other != file).collect();
        files.push(file);
        (Slot { slots: self.clone(), license, file }, others)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut held = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(files) = held.get_mut(&self.license) else { return };
        if let Some(index) = files.iter().position(|file| *file == self.file) {
            files.swap_remove(index);
        }
        if files.is_empty() {
            held.remove(&self.license);
        }
    }
}

impl Engine {
    /// Holds a slot for an answer that reaches the end of the file of `grant`; none is needed where
    /// nothing is limited.
    pub async fn hold_slot(&self, grant: &Grant) -> Outcome<Option<Slot>, DownloadRefusal> {
        let Some(limit) = grant.limit else { return Ok(Ok(None)) };
        // First the slot, then the look at what has counted: who finishes in between is found in one
        // place at least, and who is found in both is taken for one.
        let (slot, others) = self.slots.take(grant.license, grant.file.id);
        let counted = self.store.downloads_of(grant.license).await?;
        let now = self.now();
        let others = others.iter().filter(|other| !is_free(&counted, **other, now)).count();
        let taken = counted.len().saturating_add(others);
        if !is_free(&counted, grant.file.id, now) && used_up(taken, limit) {
            return Ok(Err(DownloadRefusal::Limit));
        }
        Ok(Ok(Some(slot)))
    }
}
