//! Rows of restores.

use scrip_domain::Amount;
use scrip_domain::restore::{Discrepancy, Epoch, Lack, PeerKind, Reunion, ReunionState};
use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, last, same, text};
use crate::commands::{change, id, look};
use crate::home::Running;

/// Every row of a restore.
pub async fn all(store: &Running) {
    let epoch = Epoch { number: u32::MAX, since: FIRST, at: LAST };
    round_trips!(store, epochs(number): epoch.clone() => Epoch { since: LAST, ..epoch.clone() },
        other Epoch { number: 2, ..epoch.clone() });
    let whole = Reunion {
        place: text(),
        booked: u32::MAX,
        listed: u32::MAX,
        attempts: u32::MAX,
        trouble: Some(text()),
        ..Reunion::begin(u32::MAX, text(), PeerKind::Merchant, LAST)
    };
    round_trips!(store, reunions(epoch, peer): whole.clone() => whole.ended(ReunionState::Superseded, FIRST),
        other Reunion { kind: PeerKind::Provider, ..Reunion::begin(2, String::new(), PeerKind::Provider, FIRST) });
    let lacking = Discrepancy {
        peer: text(),
        name: text(),
        id: last(),
        epoch: u32::MAX,
        order: text(),
        lack: Lack::Buyer,
        amount: Amount::MAX,
        detail: text(),
        at: LAST,
    };
    round_trips!(store, discrepancies(peer, name): lacking.clone() =>
        Discrepancy { lack: Lack::Code, amount: Amount::ZERO, detail: String::new(), ..lacking.clone() },
        other Discrepancy { peer: String::new(), name: String::new(), id: id(0), ..lacking.clone() });
}
