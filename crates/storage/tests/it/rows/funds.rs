//! Rows of adding funds: top-ups, cards, vouchers, coupons, credit, and what goes back.

use scrip_domain::Amount;
use scrip_domain::auto_top_up::{AutoErrand, AutoTopUp, Stopped};
use scrip_domain::coupon::{Coupon, Discount};
use scrip_domain::credit::{
    Assessment, CreditDecision, CreditFile, CreditStatus, Evidence, Source,
};
use scrip_domain::credit_line::{CreditLine, Repayment};
use scrip_domain::ledger::Counters;
use scrip_domain::payment_method::{Customer, PaymentMethod};
use scrip_domain::request::{Request, RequestId};
use scrip_domain::reversal::{DebtPayment, Reversal, ReversalKind, ReversalLot, ReversalState};
use scrip_domain::top_up::{
    Action, Appeal, Charge, Due, Errand, Payment, Remittance, Reversed, TopUp, TopUpMethod,
    TopUpState,
};
use scrip_domain::voucher::{Voucher, VoucherBatch, VoucherKind};
use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, last, money, same, text};
use crate::commands::{amount, change, id, look};
use crate::home::{NOON, Running};

/// Every row of adding funds.
pub async fn all(store: &Running) {
    top_up_rows(store).await;
    remittances(store).await;
    reversal_rows(store).await;
    vouchers(store).await;
    coupons(store).await;
    payment_methods(store).await;
    credit_rows(store).await;
    credit_lines(store).await;
    auto_top_ups(store).await;
}

async fn top_up_rows(store: &Running) {
    let assessment = Assessment {
        id: last(),
        source: Source::Processor,
        score: Some(100),
        policy: u32::MAX,
        status: CreditStatus::Doubtful,
        decision: CreditDecision::Review,
        reasons: vec![text(), String::new()],
        obtained_at: NOON,
        decided_at: NOON,
        valid_until: NOON,
        evidence: Some(Evidence { reference: Some(text()), sha256: text() }),
    };
    let top_up = TopUp {
        id: last(),
        account: last(),
        state: TopUpState::InReview,
        reason: Some(text()),
        method: TopUpMethod::Administrator,
        payment_method: Some(text()),
        tokens: Amount::MAX,
        pay: Some(money()),
        assessments: vec![assessment; 2],
        payment: Some(Payment {
            processor: text(),
            name: text(),
            open: true,
            action: Some(Action::Redirect { url: text() }),
            charge: Some(text()),
            refunded: Amount::MAX,
            disputed: Amount::MAX,
        }),
        due: Some(Due {
            reference: text(),
            instructions: text(),
            received: Amount::MAX,
            brought: Amount::ZERO,
        }),
        lots: vec![last(), id(0)],
        reversed: Some(Reversed {
            refunded: Amount::MAX,
            refunded_tokens: Amount::ZERO,
            disputed: Amount::MAX,
            disputed_tokens: Amount::MAX,
            pending: true,
        }),
        appeal: Some(Appeal { message: text(), at: NOON }),
        note: Some(String::new()),
        created_at: FIRST,
        credited_at: Some(LAST),
        request: Some(Request {
            key: u64::MAX >> 1,
            fingerprint: 0,
            id: RequestId::of_chance(u64::MAX),
        }),
    };
    round_trips!(store, top_ups(id): top_up.clone() => TopUp {
        reason: None, payment_method: None, pay: None, payment: None, due: None, lots: Vec::new(), reversed: None, appeal: None, note: None, credited_at: None, request: None, ..top_up.clone()
    }, other TopUp { id: id(0), due: None, ..top_up.clone() });
}

async fn remittances(store: &Running) {
    let remittance = Remittance {
        top_up: last(),
        id: last(),
        money: money(),
        tokens: Amount::MAX,
        transfer: Some(last()),
        note: text(),
        request: Request { key: 0, fingerprint: u64::MAX >> 1, id: RequestId::NONE },
        at: LAST,
    };
    round_trips!(store, remittances(top_up): remittance.clone() =>
        Remittance { tokens: Amount::ZERO, transfer: None, at: FIRST, ..remittance.clone() },
        other Remittance { top_up: id(0), ..remittance.clone() });
}

async fn coupons(store: &Running) {
    let coupon = Coupon {
        code: text(),
        id: last(),
        discount: Discount::Percent(100),
        starts_at: Some(FIRST),
        ends_at: Some(LAST),
        max_uses: Some(u32::MAX),
        max_uses_per_account: Some(u32::MAX),
        min_total: Some(Amount::MAX),
        products: vec![id(0), last()],
        offers: vec![last()],
        uses: u32::MAX,
        created_at: NOON,
        closed_at: Some(LAST),
    };
    round_trips!(store, coupons(code): coupon.clone() => Coupon {
        discount: Discount::Amount(Amount::MAX), starts_at: None, ends_at: None, max_uses: None,
        max_uses_per_account: None, min_total: None, products: vec![], offers: vec![], uses: 0, closed_at: None,
        ..coupon.clone()
    }, other Coupon { code: String::new(), id: id(0), discount: Discount::Percent(1), ..coupon.clone() });
}

async fn payment_methods(store: &Running) {
    let customer = Customer { account: last(), processor: text(), name: text(), created_at: LAST };
    round_trips!(store, customers(account, processor): customer.clone() =>
        Customer { name: String::new(), created_at: FIRST, ..customer.clone() },
        other Customer { processor: String::new(), ..customer.clone() });
    let method = PaymentMethod {
        account: last(),
        name: text(),
        processor: text(),
        brand: text(),
        last_four: text(),
        expiry_year: u32::MAX,
        expiry_month: 12,
        created_at: FIRST,
        detach_at: Some(LAST),
    };
    round_trips!(store, payment_methods(account): method.clone() =>
        PaymentMethod { expiry_year: 0, expiry_month: 1, detach_at: None, ..method.clone() },
        other PaymentMethod { account: id(0), name: String::new(), ..method.clone() });
}

async fn reversal_rows(store: &Running) {
    let reversal = Reversal {
        top_up: last(),
        id: last(),
        kind: ReversalKind::ProcessorRefund,
        state: ReversalState::Pending,
        name: Some(text()),
        claimed: Amount::MAX,
        money: Amount::MAX,
        tokens: Amount::MAX,
        owed: Amount::MAX,
        reason: text(),
        request: Some(Request { key: 0, fingerprint: u64::MAX >> 1, id: RequestId::NONE }),
        at: FIRST,
        settled_at: Some(LAST),
    };
    round_trips!(store, reversals(top_up): reversal.clone() =>
        Reversal { name: None, owed: Amount::ZERO, request: None, settled_at: None, ..reversal.clone() },
        other Reversal { top_up: id(0), id: id(0), ..reversal.clone() });
    let lot = ReversalLot { top_up: last(), reversal: last(), lot: last(), amount: Amount::MAX };
    round_trips!(store, reversal_lots(top_up): lot.clone() =>
        ReversalLot { amount: amount(1), ..lot.clone() }, other ReversalLot { top_up: id(0), ..lot.clone() });
    let paid = DebtPayment { wallet: last(), lot: last(), amount: Amount::MAX };
    round_trips!(store, debt_payments(wallet): paid.clone() =>
        DebtPayment { amount: Amount::ZERO, ..paid.clone() }, other DebtPayment { wallet: id(0), ..paid.clone() });
}

async fn credit_lines(store: &Running) {
    let owed = Counters { debits: u64::MAX >> 1, credits: 0 };
    let line = CreditLine { account: last(), limit: money(), owed };
    round_trips!(store, credit_lines(account): line.clone() => CreditLine {
        owed: Counters::default(), ..line.clone()
    }, other CreditLine { account: id(0), ..line.clone() });
    let repayment = Repayment {
        id: last(),
        account: last(),
        money: money(),
        owed: Amount::MAX,
        note: text(),
        request: Request { key: 0, fingerprint: u64::MAX >> 1, id: RequestId::NONE },
        at: LAST,
    };
    round_trips!(store, repayments(id): repayment.clone() => Repayment {
        owed: Amount::ZERO, at: FIRST, ..repayment.clone()
    }, other Repayment { id: id(0), ..repayment.clone() });
}

async fn auto_top_ups(store: &Running) {
    let auto = AutoTopUp {
        account: last(),
        below: amount(1),
        target: Amount::MAX,
        payment_method: Some(text()),
        monthly_limit: Some(money()),
        top_up: Some(last()),
        declines: u32::MAX,
        stopped: Some(Stopped::PaymentMethod),
        day: FIRST,
        day_count: u32::MAX,
        month: LAST,
        month_paid: Amount::MAX,
    };
    round_trips!(store, auto_top_ups(account): auto.clone() => AutoTopUp {
        payment_method: None, monthly_limit: None, top_up: None, declines: 0, stopped: None, ..auto.clone()
    }, other AutoTopUp { account: id(0), ..auto.clone() });
    let errand = AutoErrand { account: last(), due_at: LAST };
    round_trips!(store, auto_errands(account): errand.clone() => AutoErrand {
        due_at: FIRST, ..errand.clone()
    }, other AutoErrand { account: id(0), ..errand.clone() });
}

async fn vouchers(store: &Running) {
    let batch = VoucherBatch {
        id: last(),
        label: text(),
        tokens: Amount::MAX,
        count: u32::MAX,
        redeemed: u32::MAX,
        kind: VoucherKind::Promo,
        starts_at: Some(FIRST),
        expires_at: Some(LAST),
        per_account: Some(u32::MAX),
        tokens_expire_after_days: Some(0),
        created_at: NOON,
        closed_at: Some(LAST),
    };
    round_trips!(store, voucher_batches(id): batch.clone() => VoucherBatch {
        redeemed: 0, starts_at: None, expires_at: None, per_account: None, tokens_expire_after_days: None,
        closed_at: None, ..batch.clone()
    }, other VoucherBatch { id: id(0), ..batch.clone() });
    let voucher = Voucher { code: [0xff; 32], batch: last(), top_up: Some(last()) };
    round_trips!(store, vouchers(code): voucher.clone() => Voucher { top_up: None, ..voucher.clone() },
        other Voucher { code: [0; 32], top_up: None, ..voucher.clone() });
}

async fn credit_rows(store: &Running) {
    let file = CreditFile {
        account: last(),
        day: LAST,
        day_count: u32::MAX,
        day_tokens: Amount::MAX,
        credited: u32::MAX,
        declined: u32::MAX,
        disputed: u32::MAX,
    };
    round_trips!(store, credit_files(account): file.clone() => CreditFile::empty(last()),
        other CreditFile { account: id(0), ..file.clone() });
    let charge = Charge {
        processor: text(),
        name: text(),
        top_up: last(),
        money: money(),
        fee: Some(money()),
        refunded: Amount::MAX,
        disputed: Amount::ZERO,
        at: LAST,
    };
    round_trips!(store, charges(processor, name): charge.clone() =>
        Charge { top_up: id(0), fee: None, refunded: Amount::ZERO, disputed: Amount::MAX, at: FIRST, ..charge.clone() },
        other Charge { name: String::new(), ..charge.clone() });
    let errand = Errand { top_up: last(), due_at: LAST, attempts: u32::MAX };
    round_trips!(store, errands(top_up): errand.clone() =>
        Errand { due_at: FIRST, attempts: 0, ..errand.clone() },
        other Errand { top_up: id(0), ..errand.clone() });
}
