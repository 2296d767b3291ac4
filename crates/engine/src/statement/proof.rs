//! What only reckoning shows of a statement: that its digests are those of its exchanges, its net amount that of its sums, and
//! what we have signed what stands there.

use scrip_domain::document::exchange::Account;
use scrip_domain::statement::{Net, Statement, StatementState, Tally, net};
use scrip_storage::reads::Page;
use scrip_storage::reads::doctor::MAX_FINDINGS;
use scrip_storage::{Fault, Store};

use super::{ITEMS, claims, text_of};
use crate::doctor::Check;

/// Statements that are looked at at once.
const PAGE: u32 = 100;

/// Proves the statements in `store`, the newest first.
pub(crate) async fn prove(store: &Store) -> Result<Check, Fault> {
    let (mut rows, mut findings) = (0_u64, Vec::new());
    let most = usize::try_from(MAX_FINDINGS).unwrap_or(usize::MAX);
    let mut page = Page { after: None, limit: PAGE };
    loop {
        let statements = store.statements(page).await?;
        for statement in &statements {
            rows = rows.saturating_add(1);
            if statement.state == StatementState::Closing || findings.len() >= most {
                continue;
            }
            if let Some(what) = flaw(store, statement).await? {
                findings.push(format!("{}: {what}", statement.id));
            }
        }
        page.after = statements.last().map(|statement| statement.id.number());
        if statements.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(Check {
        name: "statement-documents".to_owned(),
        proves: "each statement's digests are those of its exchanges, its net amount is that of its sums, and it says what was signed"
            .to_owned(),
        rows,
        findings,
    })
}

/// What is wrong with a statement.
async fn flaw(store: &Store, row: &Statement) -> Result<Option<&'static str>, Fault> {
    let of = (row.partner, row.cycle);
    if digest(store, of, true).await? != Some(row.digest_out) {
        return Ok(Some("another digest of what we owe"));
    }
    // What the partner owes may still grow before both agree.
    if row.state.is_agreed() && digest(store, of, false).await? != Some(row.digest_in) {
        return Ok(Some("another digest of what the partner owes"));
    }
    let Some(agreement) = store.agreement(row.agreement).await? else {
        return Ok(Some("no such agreement"));
    };
    let said = Net { net: row.net, carried_out: row.carried_out };
    let currency = agreement.terms.currency;
    if net(row.gross_out, row.gross_in, row.carried_in, currency) != Some(said) {
        return Ok(Some("a net amount that its sums do not give"));
    }
    let Some(ours) = row.ours.as_deref().and_then(|ours| claims::<Account>(ours).ok()) else {
        return Ok(Some("no account of ours that can be read"));
    };
    let is_said = ours.cycle == row.cycle
        && ours.currency == currency
        && (ours.gross_out, ours.count_out) == (row.gross_out, row.count_out)
        && (ours.gross_in, ours.count_in) == (row.gross_in, row.count_in)
        && (ours.digest_out, ours.digest_in) == (text_of(row.digest_out), text_of(row.digest_in))
        && (ours.carried_in, ours.net) == (row.carried_in, row.net);
    Ok((!is_said).then_some("something else than we have signed"))
}

async fn digest(
    store: &Store,
    of: (scrip_domain::Id<scrip_domain::partner::Partner>, u32),
    ours: bool,
) -> Result<Option<[u8; 32]>, Fault> {
    let mut tally = Some(Tally::default());
    let mut after = None;
    loop {
        let items = store.cycle_items(of, ours, after, ITEMS).await?;
        for item in &items {
            tally = tally.and_then(|tally| tally.with(*item));
        }
        after = items.last().map(|item| item.exchange);
        if items.len() < usize::try_from(ITEMS).unwrap_or(usize::MAX) {
            return Ok(tally.map(|tally| tally.half().digest));
        }
    }
}
