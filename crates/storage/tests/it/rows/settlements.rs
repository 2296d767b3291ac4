//! Statements, payments of them, and where money goes to.

use scrip_domain::Timestamp;
use scrip_domain::amount::Amount;
use scrip_domain::bank::{BankDetails, Bic, Iban, OWN};
use scrip_domain::statement::{
    Difference, Settlement, SettlementKey, SettlementMethod, SettlementState, Statement,
    StatementState,
};
use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, last, money, same, text};
use crate::commands::{change, id, look};
use crate::home::Running;

pub fn statement(number: u64, partner: u64, cycle: u32) -> Statement {
    Statement {
        id: id(number),
        partner: id(partner),
        cycle,
        agreement: last(),
        state: StatementState::Disputed,
        from: FIRST,
        to: LAST,
        gross_out: Amount::MAX,
        count_out: u64::MAX >> 1,
        digest_out: [255; 32],
        gross_in: Amount::MAX,
        count_in: u64::MAX >> 1,
        digest_in: [0; 32],
        carried_in: i64::MIN,
        carried_out: i64::MAX,
        net: i64::MIN,
        ours: Some(text()),
        theirs: Some(String::new()),
        agreed_at: Some(FIRST),
        pay_until: Some(LAST),
        due_at: Some(Timestamp::from_millis(-1)),
        attempts: u32::MAX,
    }
}

pub fn settlement(number: u64, statement: u64) -> Settlement {
    Settlement {
        id: id(number),
        statement: id(statement),
        partner: last(),
        reference: text(),
        method: Some(SettlementMethod::Pain001),
        state: SettlementState::WrittenOff,
        money: money(),
        at: FIRST,
        ended_at: Some(LAST),
        receipt: Some(text()),
        due_at: Some(LAST),
        attempts: u32::MAX,
    }
}

pub async fn all(store: &Running) {
    let max = u64::MAX >> 1;
    let bare = Statement {
        state: StatementState::Closing,
        gross_out: Amount::ZERO,
        net: 0,
        ours: None,
        theirs: None,
        agreed_at: None,
        pay_until: None,
        due_at: None,
        ..statement(max, max, u32::MAX)
    };
    round_trips!(store, statements(partner, cycle): statement(max, max, u32::MAX) => bare,
        other statement(0, 0, 0));
    let difference = Difference {
        statement: last(),
        ours: true,
        exchange: last(),
        here: Some(Amount::MAX),
        there: None,
    };
    round_trips!(store, differences(statement): difference.clone() =>
        Difference { here: None, there: Some(Amount::ZERO), ..difference.clone() },
        other Difference { statement: id(0), ours: false, ..difference.clone() });
    round_trips!(store, settlements(id): settlement(max, max) => Settlement {
        method: None, state: SettlementState::Instructed, ended_at: None, receipt: None, due_at: None,
        ..settlement(max, max)
    }, other settlement(0, 0));
    let key = SettlementKey { key: max, fingerprint: max, settlement: last() };
    round_trips!(store, settlement_keys(key): key.clone() =>
        SettlementKey { fingerprint: 0, ..key.clone() }, other SettlementKey { key: 0, ..key.clone() });
    let details = BankDetails {
        owner: max,
        holder: text(),
        iban: Iban::parse("MT84MALT011000012345MTLCAST001S").unwrap(),
        bic: Bic::parse("COBADEFFXXX"),
    };
    round_trips!(store, bank_details(owner): details.clone() =>
        BankDetails { holder: String::new(), bic: None, ..details.clone() },
        other BankDetails { owner: OWN, ..details.clone() });
}
