use serde_json::{Value, json};

use DisputeState::{Inquiry, Lost, Open, Won};

use super::*;

/// A payment of 12.50 EUR that was captured, as Stripe writes it.
fn captured() -> Value {
    json!({
        "id": "pi_3Qx", "object": "payment_intent", "livemode": false, "created": 1_795_390_200,
        "amount": 1250, "amount_capturable": 0, "amount_received": 1250, "currency": "eur",
        "status": "succeeded", "capture_method": "manual", "client_secret": "pi_3Qx_secret_s",
        "customer": "cus_9", "payment_method": "pm_7", "canceled_at": null, "next_action": null,
        "last_payment_error": null, "metadata": {"top_up": "top_06bq3v8k2m9zc"},
        "latest_charge": {
            "id": "ch_3Qx", "object": "charge", "amount": 1250, "amount_captured": 1250,
            "amount_refunded": 0, "captured": true, "disputed": false, "refunded": false,
            "outcome": {
                "network_status": "approved_by_network", "risk_level": "normal", "risk_score": 12,
                "seller_message": "Payment complete.", "type": "authorized"
            },
            "balance_transaction": {
                "id": "txn_1", "amount": 1250, "currency": "eur", "fee": 44, "net": 1206
            }
        }
    })
}

/// The picture of the captured payment, with members changed.
fn picture(changes: Value) -> Option<Payment> {
    let mut intent = captured();
    merge(&mut intent, changes);
    serde_json::from_value::<Intent>(intent).ok()?.picture()
}

fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(into.entry(name).or_insert(Value::Null), change);
            }
        }
        (into, changes) => *into = changes,
    }
}

fn state(changes: Value) -> PaymentState {
    picture(changes).unwrap().state
}

#[test]
fn a_captured_payment_is_read_whole() {
    let payment = picture(json!({})).unwrap();
    let euros =
        |units| Money { amount: Amount::new(units).unwrap(), unit: Unit::parse("EUR").unwrap() };
    assert_eq!(payment.name.as_str(), "pi_3Qx");
    assert_eq!(payment.top_up.unwrap().to_string(), "top_06bq3v8k2m9zc");
    assert_eq!(payment.money, euros(1250));
    assert_eq!(payment.refunded, Amount::ZERO);
    assert_eq!(payment.risk, Some(Risk { level: RiskLevel::Normal, score: Some(12) }));
    let charge = ChargeName::new("ch_3Qx").unwrap();
    let fee = Some(euros(44));
    assert_eq!(payment.state, PaymentState::Captured { charge, amount: euros(1250).amount, fee });
    let refunded = picture(json!({"latest_charge": {"amount_refunded": 250}})).unwrap();
    assert_eq!(refunded.refunded.units(), 250);
    let foreign = picture(json!({"metadata": {"top_up": "order 7"}})).unwrap();
    assert_eq!(foreign.top_up, None, "other business of the vendor");
}

#[test]
fn each_state_is_read() {
    assert_eq!(state(json!({"status": "requires_capture"})), PaymentState::Authorized);
    assert_eq!(state(json!({"status": "processing"})), PaymentState::Processing);
    let declined = json!({"code": "card_declined", "decline_code": "insufficient_funds"});
    let declined = json!({"status": "requires_payment_method", "last_payment_error": declined});
    let failed = PaymentState::Failed {
        reason: "card_declined".to_owned(),
        decline_code: Some("insufficient_funds".to_owned()),
    };
    assert_eq!(state(declined), failed);
    let url = "https://hooks.stripe.com/3d_secure_2/x";
    let next =
        json!({"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": "r"}});
    let redirect = json!({"status": "requires_action", "next_action": next});
    assert_eq!(state(redirect), PaymentState::RequiresAction(Action::Redirect(url.to_owned())));
    let script = json!({"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}});
    let secret = Secret::new("pi_3Qx_secret_s");
    assert_eq!(state(script), PaymentState::RequiresAction(Action::Confirm(secret)));
}

#[test]
fn what_a_cancelled_authorization_releases_is_no_refund() {
    let changes = json!({"status": "canceled", "latest_charge": {"amount_refunded": 1250}});
    let payment = picture(changes).unwrap();
    assert_eq!((payment.state, payment.refunded), (PaymentState::Cancelled, Amount::ZERO));
}

#[test]
fn what_is_unknown_is_never_guessed() {
    let unknown = |changes, word: &str| {
        assert_eq!(state(changes), PaymentState::Unknown(word.to_owned()));
    };
    unknown(json!({"status": "requires_prayer"}), "requires_prayer");
    unknown(json!({"status": "requires_payment_method"}), "requires_payment_method");
    unknown(json!({"amount_received": 1000}), "captured_in_part");
    let risk = |level: &str| {
        picture(json!({"latest_charge": {"outcome": {"risk_level": level}}})).unwrap().risk
    };
    let odd = RiskLevel::Unknown("odd".to_owned());
    assert_eq!(risk("odd").unwrap().level, odd);
    assert_eq!(risk("not_assessed"), None);
    for broken in [
        json!({"amount": -1}),
        json!({"amount": 12.5}),
        json!({"currency": "€"}),
        json!({"amount_received": null}),
        json!({"latest_charge": null}),
        json!({"id": "../refunds"}),
        json!({"status": null}),
        json!({"status": "requires_action", "client_secret": null}),
    ] {
        assert_eq!(picture(broken.clone()), None, "{broken}");
    }
}

#[test]
fn disputes_are_read_oldest_first() {
    let dispute = |id: &str, status: &str| json!({"id": id, "amount": 1250, "currency": "eur", "status": status, "reason": "fraudulent"});
    let statuses =
        ["needs_response", "won", "lost", "warning_under_review", "warning_closed", "odd"];
    let data: Vec<_> = statuses.iter().rev().map(|status| dispute("dp_1", status)).collect();
    let page: Disputes = serde_json::from_value(json!({"data": data})).unwrap();
    let states: Vec<_> = page.oldest_first().unwrap().into_iter().map(|one| one.state).collect();
    let odd = DisputeState::Unknown("odd".to_owned());
    assert_eq!(states, [Open, Won, Lost, Inquiry, Won, odd]);
    let page: Disputes = serde_json::from_value(json!({"data": [dispute("a/b", "won")]})).unwrap();
    assert_eq!(page.oldest_first(), None);
}

#[test]
fn a_card_shows_its_last_four_digits() {
    let card = json!({
        "id": "pm_7", "type": "card", "customer": "cus_9",
        "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030}
    });
    let method = serde_json::from_value::<Card>(card).unwrap().payment_method().unwrap();
    assert_eq!((method.brand.as_str(), method.last_four.as_str()), ("visa", "4242"));
    assert_eq!(method.expires, Expiry { year: 2030, month: 12 });
}
