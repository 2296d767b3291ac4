//! Rows of licenses in use.

use scrip_domain::catalog::BundleItem;
use scrip_domain::license::Reissue;
use scrip_domain::usage::{Activation, Consumption, Extension, Lease, Reminder, Tried, Usage};
use scrip_license::Digest;

use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, last, same, text};
use crate::commands::{change, id, look};
use crate::home::Running;

pub async fn all(store: &Running) {
    let most = u64::MAX >> 1;
    let reissue = Reissue {
        license: last(),
        issue: u32::MAX,
        former_kid: text(),
        former_at: FIRST,
        at: LAST,
        expires_at: Some(LAST),
        request: most,
    };
    round_trips!(store, reissues(license, issue): reissue.clone() =>
        Reissue { former_kid: String::new(), expires_at: None, ..reissue.clone() },
        other Reissue { license: id(0), issue: 2, ..reissue.clone() });
    let usage = Usage {
        license: last(),
        added: most,
        used: most,
        leased: most,
        machines: u32::MAX,
        moves: u32::MAX,
        moves_since: LAST,
    };
    round_trips!(store, usages(license): usage.clone() => Usage::none(last()), other Usage::none(id(0)));
    let active = Activation {
        license: last(),
        machine: Digest([255; 32]),
        id: last(),
        name: text(),
        activated_at: FIRST,
        offline_until: LAST,
        ended_at: Some(LAST),
    };
    round_trips!(store, activations(license, machine): active.clone() =>
        Activation { name: String::new(), ended_at: None, ..active.clone() },
        other Activation { license: id(0), machine: Digest([0; 32]), id: id(0), ..active.clone() });
    let taken = Consumption {
        license: last(),
        key: text(),
        units: most,
        lease: Some(last()),
        left: most,
        at: LAST,
    };
    round_trips!(store, consumptions(license, key): taken.clone() =>
        Consumption { units: 0, lease: None, left: 0, ..taken.clone() },
        other Consumption { key: String::new(), ..taken.clone() });
    let lease = Lease {
        license: last(),
        id: last(),
        machine: Digest([255; 32]),
        units: most,
        used: Some(most),
        at: FIRST,
        expires_at: LAST,
        returned_at: Some(LAST),
    };
    round_trips!(store, leases(license, id): lease.clone() =>
        Lease { units: 0, used: None, returned_at: None, ..lease.clone() },
        other Lease { license: id(0), id: id(0), ..lease.clone() });
    let extension = Extension {
        line: last(),
        license: last(),
        amount: most,
        expires_at: Some(LAST),
        left: Some(most),
        issue: u32::MAX,
        at: FIRST,
        refunded_at: Some(LAST),
    };
    round_trips!(store, extensions(line): extension.clone() =>
        Extension { amount: 1, expires_at: None, left: None, refunded_at: None, ..extension.clone() },
        other Extension { line: id(0), ..extension.clone() });
    let tried = Tried { product: last(), machine: Digest([255; 32]), license: last() };
    round_trips!(store, tried(product, machine): tried.clone() => Tried { license: id(0), ..tried.clone() },
        other Tried { machine: Digest([0; 32]), ..tried.clone() });
    let reminder = Reminder { license: last(), due_at: LAST };
    round_trips!(store, reminders(license): reminder.clone() => Reminder { due_at: FIRST, ..reminder.clone() },
        other Reminder { license: id(0), ..reminder.clone() });
    let item = BundleItem { bundle: last(), place: u32::MAX, item: last() };
    round_trips!(store, bundle_items(bundle): item.clone() => BundleItem { item: id(0), ..item.clone() },
        other BundleItem { bundle: id(0), ..item.clone() });
}
