//! What letters say, for facts of every kind.

use std::sync::Arc;

use scrip_domain::language::Language;
use scrip_domain::license::{License, LicenseState};
use scrip_domain::settings::{Settings, Vendor};
use scrip_domain::top_up::{TopUpMethod, TopUpState};
use scrip_domain::{Id, Timestamp};
use scrip_engine::code::Code;
use scrip_license::{Limits, Terms};
use serde_json::json;

use super::*;

fn facts(what: What) -> Facts {
    let settings: Settings = serde_json::from_value(json!({
        "name": "Aurora\r\nBcc: eve@evil.example",
        "token": { "code": "AUR", "name": "Aurum", "scale": 2, "unit_value": {
            "tokens": 100, "money": { "amount": 100, "unit": "EUR" } } },
    }))
    .unwrap();
    let vendor =
        Vendor { id: Id::new(1).unwrap(), settings, former_names: Vec::new(), imprint: None };
    let language = Language::English;
    let url = "https://shop.example".into();
    Facts { vendor: Arc::new(vendor), url, language, provider: None, what }
}

fn order() -> Order {
    let at = Timestamp::default();
    let total = Amount::new(1250).unwrap();
    let order = Order::draft(Id::new(7).unwrap(), Id::new(1), total, false, at);
    Order { paid_at: Some(at), balance_after: Amount::new(50), ..order }
}

fn request() -> RefundRequest {
    RefundRequest {
        order: Id::new(7).unwrap(),
        id: Id::new(8).unwrap(),
        line: Id::new(9).unwrap(),
        account: Id::new(1).unwrap(),
        state: scrip_domain::refund_request::RefundRequestState::Declined,
        covered: false,
        reason: "It does <not> start.\r\nBcc: eve@evil.example".into(),
        word: Some("It was \u{2028}used.".into()),
        refund: None,
        at: Timestamp::default(),
        decided_at: Some(Timestamp::default()),
    }
}

#[test]
fn a_new_sign_in_says_when_and_with_what() {
    let words = write(&facts(What::SignedIn { at: Timestamp::default(), browser: Browser::Edge }));
    let text = words.text.replace('\n', " ");
    assert!(text.contains("on 1970-01-01 00:00 UTC, with Edge"), "{text}");
    assert!(words.text.contains("https://shop.example/forgot"), "{}", words.text);
}

#[test]
fn what_buyers_and_staff_say_of_a_refund_comes_over() {
    let title = || "Tide of the day".to_owned();
    let words =
        write(&facts(What::RefundAsked { order: order(), title: title(), request: request() }));
    assert!(words.text.contains("It does <not> start. Bcc: eve@evil.example"), "{}", words.text);
    assert!(words.html.contains("It does &lt;not&gt; start."), "{}", words.html);
    assert!(words.text.contains("Covered by your policy: No"), "{}", words.text);
    let words =
        write(&facts(What::RefundRefused { order: order(), title: title(), request: request() }));
    assert!(words.text.contains("It was used."), "{}", words.text);
    assert!(words.text.contains("https://shop.example/orders/ord_0000000000007"), "{}", words.text);
}

#[test]
fn a_vendors_name_ends_no_header() {
    for what in [
        What::Welcome,
        What::Verification { token: "t".into(), until: Timestamp::default() },
        What::Reset { token: "t".into(), until: Timestamp::default() },
        What::PasswordChanged { at: Timestamp::default() },
        What::KeyMade { at: Timestamp::default() },
        What::FactorChanged { at: Timestamp::default(), change: FactorChange::Reset },
        What::PasskeyAdded { at: Timestamp::default(), name: "Phone".into() },
        What::AccountFrozen { at: Timestamp::default() },
        What::AccountThawed { at: Timestamp::default() },
        What::NewEmail { token: "t".into(), until: Timestamp::default() },
        What::NewEmailAsked { at: Timestamp::default() },
        What::EmailChanged { at: Timestamp::default() },
        What::AutoTopUpStopped,
        What::SignedIn { at: Timestamp::default(), browser: Browser::Firefox },
        What::RefundRefused {
            order: order(),
            title: "A\r\nBcc: eve@evil.example".into(),
            request: request(),
        },
        What::RefundAsked {
            order: order(),
            title: "A\r\nBcc: eve@evil.example".into(),
            request: request(),
        },
        What::OrderRefunded { order: order(), amount: Amount::ZERO },
    ] {
        let words = write(&facts(what));
        assert!(!words.subject.chars().any(char::is_control), "{words:?}");
        assert!(words.text.lines().all(|line| !line.starts_with("Bcc:")), "{words:?}");
    }
}

#[test]
fn links_carry_what_they_must() {
    let words = write(&facts(What::Reset { token: "abc".into(), until: Timestamp::default() }));
    assert!(words.text.contains("https://shop.example/reset?token=abc\n"), "{}", words.text);
    assert!(words.html.contains("https://shop.example/reset?token=abc"));
    assert!(words.text.contains("until 1970-01-01 00:00 UTC"));
}

#[test]
fn a_letter_is_written_in_the_language_of_its_reader() {
    let mut facts = facts(What::Digest {
        orders: vec![(order(), "Flut".into())],
        more: 4,
        total: Amount::new(625_000).unwrap(),
    });
    facts.language = Language::German;
    let words = write(&facts);
    assert_eq!(words.subject, "Ihre 5 kleinen Einkäufe");
    for told in ["Und 4 weitere.", "Summe: 6.250,00 AUR", "Flut (ord_0000000000007): 12,50 AUR"] {
        assert!(words.text.contains(told), "{told}: {}", words.text);
    }
    assert!(words.html.contains("<html lang=\"de\">"), "{}", words.html);
    facts.what = What::Reset { token: "abc".into(), until: Timestamp::default() };
    assert!(write(&facts).text.contains("bis 01.01.1970, 00:00 UTC"), "{}", write(&facts).text);
}

#[test]
fn a_digest_lists_and_counts() {
    let what = What::Digest {
        orders: vec![(order(), "Tide <of> the day".into())],
        more: 4,
        total: Amount::new(6250).unwrap(),
    };
    let words = write(&facts(what));
    assert_eq!(words.subject, "Your 5 small purchases");
    assert!(
        words.text.contains("Tide <of> the day (ord_0000000000007): 12.50 AUR"),
        "{}",
        words.text
    );
    assert!(words.text.contains("And 4 more.") && words.text.contains("Total: 62.50 AUR"));
    assert!(words.html.contains("Tide &lt;of&gt; the day"));
}

#[test]
fn a_code_is_told_in_both_forms() {
    let code = Code { jws: "eyJ.x.y".into(), short: "AAAA-BBBB".into() };
    let draft = Draft::new("a", "b").code("T", &code.short, &code.jws);
    let words = draft.finish("v", "u");
    for part in [&words.text, &words.html] {
        assert!(part.contains("eyJ.x.y") && part.contains("AAAA-BBBB"), "{part}");
    }
}

fn top_up() -> TopUp {
    TopUp {
        id: Id::new(9).unwrap(),
        account: Id::new(2).unwrap(),
        state: TopUpState::Disputed,
        reason: None,
        method: TopUpMethod::Card,
        payment_method: None,
        tokens: Amount::new(500).unwrap(),
        pay: None,
        assessments: Vec::new(),
        payment: None,
        due: None,
        lots: Vec::new(),
        reversed: None,
        appeal: None,
        note: None,
        created_at: Timestamp::default(),
        credited_at: None,
        request: None,
    }
}

#[test]
fn what_becomes_of_a_top_up_is_told_to_its_owner_and_to_the_staff() {
    let name = top_up().id.to_string();
    for (what, subject, says) in [
        (What::TopUpDeclined(top_up()), "Declined: your top-up", "5.00 AUR were not added"),
        (What::TopUpRefunded(top_up()), "Money of your top-up comes back", "is given back"),
        (What::Disputed(top_up()), "A top-up of 5.00 AUR is disputed", "disputed"),
    ] {
        let words = write(&facts(what));
        assert_eq!(words.subject, subject);
        for part in [&words.text, &words.html] {
            assert!(part.contains(says) && part.contains(&name), "{subject}: {part}");
        }
    }
    let words = write(&facts(What::TopUpDeclined(top_up())));
    assert!(words.text.contains(&format!("https://shop.example/wallet/top-ups/{name}")));
}

/// A license for good.
fn license() -> License {
    License {
        id: Id::new(3).unwrap(),
        order: Id::new(7).unwrap(),
        line: Id::new(8).unwrap(),
        account: Id::new(2).unwrap(),
        product: Id::new(4).unwrap(),
        offer: Id::new(5).unwrap(),
        terms: Terms::Perpetual,
        limits: Limits::default(),
        release: None,
        state: LicenseState::Valid,
        issue: 1,
        kid: "k".into(),
        issued_at: Timestamp::default(),
        expires_at: None,
    }
}

#[test]
fn an_end_that_comes_near_is_told_with_the_way_to_extend() {
    let terms = Terms::Trial { seconds: 60 };
    let license = License { terms, ..license() };
    let link = format!("https://shop.example/library/{}", license.id);
    let at = Timestamp::parse_date("2026-12-04").unwrap();
    let what = What::LicenseExpiring { title: "Tide".into(), at, license };
    let words = write(&facts(what));
    assert_eq!(words.subject, "Tide ends on 2026-12-04");
    assert!(words.text.contains(&link) && words.html.contains(&link), "{}", words.text);
    assert!(words.text.contains("You can extend it before then"), "{}", words.text);
}

fn forwarded() -> What {
    let merchant = Merchant {
        id: Id::new(5).unwrap(),
        name: "Field\r\nSounds".into(),
        url: "https://sounds.example:8443".into(),
        return_origins: Vec::new(),
        limits: scrip_domain::merchant::MerchantLimits {
            order: Amount::ZERO,
            open: 0,
            day: Amount::ZERO,
        },
        fee: scrip_domain::merchant::Fee::default(),
        threshold: Amount::ZERO,
        state: scrip_domain::merchant::MerchantState::Active,
        invitation: None,
        balance: scrip_domain::ledger::Counters::default(),
        seq: 0,
        open: 0,
        day: Timestamp::default(),
        day_captured: Amount::ZERO,
        created_at: Timestamp::default(),
    };
    let (name, subject) = ("let_1".to_owned(), "Approved: Six strokes".to_owned());
    let text = "A\n\nB\nC\n-- \nD".to_owned();
    What::Forwarded { merchant: Box::new(merchant), letter: Forwarded { name, subject, text } }
}

#[test]
fn what_a_merchant_writes_comes_in_a_frame() {
    let mut facts = facts(forwarded());
    "Meridian Pay".clone_into(&mut Arc::make_mut(&mut facts.vendor).settings.name);
    let words = write(&facts);
    assert_eq!(words.subject, "Field Sounds: Approved: Six strokes");
    insta::assert_snapshot!(words.text, @r"
    Field Sounds (sounds.example:8443) writes to you through Meridian Pay

    ________________________________________________________________________

    A

    B
    C
    --
    D

    ________________________________________________________________________

    Field Sounds does not know your address: Meridian Pay forwards its
    letters to you. If you want none, say so here:
    https://shop.example/account/merchants

    -- 
    Meridian Pay
    https://shop.example
    ");
    assert!(words.html.contains("B<br>C<br>--<br>D"), "{}", words.html);
    facts.language = Language::German;
    let words = write(&facts);
    assert!(words.text.contains("schreibt Ihnen über Meridian Pay"), "{}", words.text);
    assert_eq!(words.subject, "Field Sounds: Approved: Six strokes", "it is the merchant's");
}

#[test]
fn a_letter_that_a_provider_forwards_has_as_many_codes_as_it_takes() {
    let code = Code { jws: "e".repeat(1000), short: "AAAA-BBBB".into() };
    let coded = Coded { title: "Tide".into(), license: license(), code };
    let codes = vec![coded; 100];
    let mut facts = facts(What::OrderPaid { order: order(), lines: Vec::new(), codes });
    assert_eq!(write(&facts).text.matches("To copy:").count(), 100);
    facts.provider = Some("https://pay.example".into());
    let words = write(&facts);
    assert!(words.text.len() <= TEXT, "{}", words.text.len());
    let told = words.text.matches("To copy:").count();
    assert!((40..60).contains(&told), "{told}");
    let rest = format!("{} more codes are with your order.", 100 - told);
    assert!(words.text.contains(&rest), "{rest}");
}
