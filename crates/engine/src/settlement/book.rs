//! What is booked when a statement is settled, or given up: the smaller debt goes up on both sides, and the payment takes the
//! rest but for what is carried.

use scrip_domain::partner::{EntryKind, Partner, PartnerEntry, Side};
use scrip_domain::statement::{Settling, Statement, lessened};
use scrip_domain::{Amount, Id, Timestamp, Unit};
use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use crate::Engine;

/// The names of the entries that a settlement can need: netting on either side, and the payment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entries([Id<PartnerEntry>; 3]);

/// How the net amount of a statement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was paid.
    Paid,
    /// It will not be.
    WrittenOff,
}

impl Engine {
    pub(crate) fn entries(&self) -> Result<Entries, Fault> {
        Ok(Entries([self.mint()?, self.mint()?, self.mint()?]))
    }
}

/// Books the end of a statement; nothing ends one that nets to nothing but the netting. The caller writes the partner.
pub(crate) fn book(
    changes: &mut Changes,
    partner: Partner,
    (statement, currency): (&Statement, Unit),
    ended: Option<Ended>,
    Entries([payable, receivable, payment]): Entries,
    at: Timestamp,
) -> Result<Partner, Fault> {
    let broken = || Fault::Bug(format!("more is settled by {} than is owed", statement.id));
    let Settling { netting, payment: paid, side } =
        statement.settling(currency).ok_or_else(broken)?;
    let mut take = |partner: Partner, id, side, kind, amount: Amount| {
        if amount.is_zero() {
            return Ok(partner);
        }
        changes.partner_entries.push(Change::Insert(PartnerEntry {
            partner: partner.id,
            id,
            side,
            kind,
            amount,
            subject: statement.id.number(),
            cycle: statement.cycle,
            at,
        }));
        lessened(&partner, side, amount).ok_or_else(broken)
    };
    let partner = take(partner, payable, Side::Payable, EntryKind::Netting, netting)?;
    let partner = take(partner, receivable, Side::Receivable, EntryKind::Netting, netting)?;
    match ended {
        Some(Ended::Paid) => take(partner, payment, side, EntryKind::Payment, paid),
        Some(Ended::WrittenOff) => take(partner, payment, side, EntryKind::WriteOff, paid),
        None => Ok(partner),
    }
}
