//! A shop's books as they were, and a shop that goes back to them.

use std::sync::atomic::Ordering;

use scrip_domain::role::Role;
use scrip_domain::{Clock, Timestamp};
use scrip_engine::restore;
use scrip_storage::copy::{Blank, Snapshot};
use scrip_storage::{Blocking, Store};

use crate::{Machine, Memory, SHOPS, Shop, network};

/// The books of a shop as they were.
#[derive(Debug)]
pub struct Backup {
    disk: scrip_storage::Memory,
    at: Timestamp,
}

impl Shop {
    /// The books as they are now.
    pub async fn backed_up(&self) -> Backup {
        Backup { disk: copy(&self.machine.disk).await.1, at: self.clock.now() }
    }

    /// Another server in the place of this one, on the books of a backup.
    pub async fn restored(&self, backup: &Backup) -> Self {
        let (name, disk) = copy(&backup.disk).await;
        let Machine { objects, entropy, processor, bureau, place, .. } = &self.machine;
        let (store, writer) = Store::memory(&disk).expect("a store in memory");
        tokio::spawn(writer.run(self.clock.clone(), std::sync::Arc::new(Memory::default())));
        let provider = place.roles.has(Role::Merchant).then_some(network::PAY);
        let begun =
            restore::begin(&store, backup.at, self.clock.now(), &place.roles, provider).await;
        begun.expect("a new epoch");
        drop(store);
        let machine = Machine {
            disk,
            name,
            objects: objects.clone(),
            entropy: entropy.clone(),
            processor: processor.clone(),
            bureau: bureau.clone(),
            place: place.clone(),
        };
        Self::start(machine, self.clock.clone(), self.admin.clone(), Blocking::Inline).await
    }

    /// Asks peers until nothing is due.
    pub async fn run_restore(&self) {
        while self.app.engine.run_restore().await.expect("peers are asked") > 0 {}
    }
}

async fn copy(from: &scrip_storage::Memory) -> (String, scrip_storage::Memory) {
    let name = format!("shop-{}", SHOPS.fetch_add(1, Ordering::Relaxed));
    let disk = scrip_storage::Memory::new(&name).expect("a database in memory");
    let mut blank = Blank::memory(&disk).expect("an empty database");
    let snapshot = Snapshot::memory(from).expect("books");
    snapshot.copy(&mut blank, &mut |_, _| ()).await.expect("a copy");
    blank.finish().await.expect("a copy");
    (name, disk)
}
