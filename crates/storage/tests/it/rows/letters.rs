//! Rows of mail.

use scrip_domain::Amount;
use scrip_domain::letter::{About, Digest, Letter, LetterState, Postbox, Recipient, Warned};

use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, last, same, text};
use crate::commands::{change, id, look};
use crate::home::{NOON, Running};

pub async fn all(store: &Running) {
    let waiting = Letter {
        id: last(),
        account: Some(last()),
        recipient: Recipient::Address(text()),
        about: About::Reset { password: text() },
        state: LetterState::Waiting,
        attempts: u32::MAX,
        due_at: Some(LAST),
        sent_at: None,
        trouble: Some(text()),
        created_at: FIRST,
    };
    let sent = Letter {
        account: None,
        recipient: Recipient::Subject(text()),
        about: About::PasswordChanged { at: NOON },
        state: LetterState::Sent,
        attempts: 0,
        due_at: None,
        sent_at: Some(LAST),
        trouble: None,
        ..waiting.clone()
    };
    round_trips!(store, letters(id): waiting.clone() => sent,
        other Letter { id: id(0), state: LetterState::GivenUp, due_at: None, ..waiting.clone() });
    let box_ = Postbox { number: 255, position: u64::MAX >> 1 };
    round_trips!(store, postbox(number): box_.clone() => Postbox { position: 0, ..box_.clone() },
        other Postbox { number: 0, ..box_.clone() });
    let warned = Warned { account: last(), until: LAST };
    round_trips!(store, warned(account): warned.clone() => Warned { until: FIRST, ..warned.clone() },
        other Warned { account: id(0), ..warned.clone() });
    let most = Amount::MAX;
    let digest = Digest {
        account: last(),
        orders: vec![last(), id(0)],
        more: u32::MAX,
        total: most,
        due_at: LAST,
    };
    round_trips!(store, digests(account): digest.clone() =>
        Digest { orders: Vec::new(), more: 0, total: Amount::ZERO, due_at: FIRST, ..digest.clone() },
        other Digest { account: id(0), ..digest.clone() });
}
