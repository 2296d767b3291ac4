//! Two ledgers of the same money: the bank's and the shop's. What neither of them has forgotten must agree.

use scrip_domain::reversal::{Reversal, ReversalKind, ReversalState};
use scrip_domain::top_up::{Charge, TopUp, TopUpState};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_engine::Fault;
use scrip_engine::processor::{DisputeState, Payment, PaymentState};
use scrip_storage::{Books, Changes, Command, Decision, Store, Wants};

/// Compares each payment with its top-up and its charge, with the fee, and the sums: captured is credited and not
/// taken back, or was given back. What was captured comes to the vendor without the fees.
pub async fn compare(
    store: &Store,
    processor: &str,
    payments: &[Payment],
) -> Result<Result<(), String>, Fault> {
    let (mut captured, mut kept, mut refunded, mut disputed) = (0_u64, 0, 0, 0);
    for payment in payments {
        let PaymentState::Captured { amount, fee, ref charge } = payment.state else {
            let ended = match payment.state {
                PaymentState::Failed { .. } | PaymentState::Cancelled => true,
                // It stays reserved as long as nobody decides.
                PaymentState::Authorized => top_up_of(store, payment)
                    .await?
                    .is_some_and(|top_up| top_up.state == TopUpState::InReview),
                _ => false,
            };
            if !ended {
                return Ok(Err(format!("{} came to no end: {:?}", payment.name, payment.state)));
            }
            continue;
        };
        let Some(top_up) = top_up_of(store, payment).await? else {
            return Ok(Err(format!("{} is for no top-up", payment.name)));
        };
        let reversals = store.reversals_of(top_up.id).await?;
        if let Err(why) = agree(payment, amount, &top_up, &reversals) {
            return Ok(Err(format!("{} of {}: {why}", payment.name, top_up.id)));
        }
        let look = Look { processor: processor.to_owned(), charge: charge.to_string() };
        let Ok(row) = store.submit(look).await?;
        let known = row.map(|row| (row.top_up, row.money.amount, row.fee, row.refunded));
        if known != Some((top_up.id, amount, fee, payment.refunded)) {
            return Ok(Err(format!(
                "{charge} took {amount:?} for a fee of {fee:?}, known as {known:?}"
            )));
        }
        captured += amount.units();
        refunded += payment.refunded.units();
        let sums = top_up.reversed.as_ref();
        if top_up.state.was_credited() {
            let taken = |sum: fn(&scrip_domain::top_up::Reversed) -> Amount| {
                sums.map_or(0, |sums| sum(sums).units())
            };
            disputed += taken(|sums| sums.disputed);
            kept += amount.units() - taken(|sums| sums.refunded) - taken(|sums| sums.disputed);
            // What both a bank and a refund took counts once.
            let both = payment.refunded.units() - taken(|sums| sums.refunded);
            refunded -= both;
        } else {
            disputed += amount.units() - payment.refunded.units();
        }
    }
    if captured != kept + refunded + disputed {
        return Ok(Err(format!("captured {captured}, but {kept} + {refunded} + {disputed}")));
    }
    Ok(Ok(()))
}

/// Looks at a charge as commands see it.
struct Look {
    processor: String,
    charge: String,
}

impl Command for Look {
    type Receipt = Option<Charge>;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.charges.read((self.processor.clone(), self.charge.clone()));
    }

    fn decide(
        &self,
        books: &Books,
        _: Timestamp,
    ) -> Result<Decision<Option<Charge>, Self::Refusal>, Fault> {
        let row = books.charges.get(&(self.processor.clone(), self.charge.clone()))?;
        Ok(Decision::done(row.cloned(), Changes::default()))
    }
}

async fn top_up_of(store: &Store, payment: &Payment) -> Result<Option<TopUp>, Fault> {
    let id: Option<Id<TopUp>> = payment.top_up;
    match id {
        Some(id) => store.top_up(id).await,
        None => Ok(None),
    }
}

/// Whether the shop knows what became of a captured payment.
fn agree(
    payment: &Payment,
    captured: Amount,
    top_up: &TopUp,
    reversals: &[Reversal],
) -> Result<(), String> {
    if !top_up.state.was_credited() {
        let back = payment.refunded.units() + payment.disputed().units() >= captured.units();
        return back.then_some(()).ok_or_else(|| format!("{} and not given back", top_up.state));
    }
    if top_up.pay.map(|pay| pay.amount) != Some(captured) {
        return Err(format!("captured {} for {:?}", captured.units(), top_up.pay));
    }
    if let Some(open) = reversals.iter().find(|one| one.state == ReversalState::Pending) {
        return Err(format!("{} is pending for ever", open.id));
    }
    let done = reversals.iter().filter(|one| one.state == ReversalState::Done);
    let done: u64 = done.map(|one| one.claimed.units()).sum();
    if done != payment.refunded.units() {
        return Err(format!("{done} refunded, the bank says {}", payment.refunded.units()));
    }
    for dispute in &payment.disputes {
        let known = reversals.iter().rfind(|one| {
            one.kind == ReversalKind::Dispute && one.name.as_deref() == Some(dispute.name.as_str())
        });
        let known = known.map(|one| one.state);
        let right = match dispute.state {
            DisputeState::Open => known == Some(ReversalState::Open),
            DisputeState::Lost => known == Some(ReversalState::Lost),
            DisputeState::Won => matches!(known, None | Some(ReversalState::Won)),
            DisputeState::Inquiry | DisputeState::Unknown(_) => true,
        };
        if !right {
            return Err(format!("{} is {:?}, known as {known:?}", dispute.name, dispute.state));
        }
    }
    let in_force = reversals.iter().filter(|one| one.state.in_force());
    let (money, claimed) = in_force.fold((0, 0), |(money, claimed), one| {
        (money + one.money.units(), claimed + one.claimed.units())
    });
    let due = claimed.min(captured.units());
    if money == due { Ok(()) } else { Err(format!("{money} taken, {due} due")) }
}
