//! What a try does to its delivery and its endpoint.

use super::*;

fn at(seconds: u32) -> Timestamp {
    Timestamp::from_millis(0).plus(Span::seconds(seconds))
}

fn endpoint() -> WebhookEndpoint {
    WebhookEndpoint {
        id: Id::new(1).unwrap(),
        url: "https://hooks.example/".to_owned(),
        label: String::new(),
        events: Vec::new(),
        issue: 1,
        rotated_at: None,
        position: 0,
        failing_since: None,
        disabled: None,
        disabled_at: None,
        created_at: at(0),
        removed_at: None,
    }
}

fn tried(attempts: u32) -> Delivery {
    let event = Some(Id::new(3).unwrap());
    let delivery = Delivery::new(Id::new(2).unwrap(), Id::new(1).unwrap(), event, at(0));
    Delivery { attempts, ..delivery }
}

fn after(came: Result<Reply, Unsent>, jitter: u8) -> Settle {
    let note = Note::of(Id::new(9).unwrap(), Staff::SERVER);
    Settle {
        endpoint: Id::new(1).unwrap(),
        id: Id::new(2).unwrap(),
        came,
        jitter,
        note,
        letter: None,
    }
}

fn answered(status: u16) -> Reply {
    Reply { status, retry_after: None, beginning: String::new() }
}

#[test]
fn only_a_status_of_the_two_hundreds_says_that_it_arrived() {
    let came = |came| after(came, 0).settled(&tried(0), at(100));
    for status in [200, 202, 204, 299] {
        let (outcome, delivery) = came(Ok(answered(status)));
        assert_eq!((outcome, delivery.state), (Tried::Delivered, DeliveryState::Delivered));
        assert_eq!((delivery.due_at, delivery.attempts), (None, 1));
        assert_eq!(delivery.status, Some(u32::from(status)));
    }
    for status in [100, 199, 300, 301, 404, 429, 500, 503] {
        let (outcome, delivery) = came(Ok(answered(status)));
        assert_eq!((outcome, delivery.state), (Tried::Delayed, DeliveryState::Pending));
        assert_eq!(delivery.due_at, Some(at(105)), "{status}");
    }
    let (outcome, delivery) = came(Err(Unsent("no\nroute".to_owned())));
    assert_eq!((outcome, delivery.due_at), (Tried::Delayed, Some(at(105))));
    assert_eq!((delivery.status, delivery.answer.as_deref()), (None, Some("no route")));
    assert_eq!(delivery.tried_at, Some(at(100)));
}

#[test]
fn it_is_tried_ten_times_in_all_ever_later() {
    let mut delivery = tried(0);
    let mut now = at(0);
    let mut waits = Vec::new();
    while let Some(due) = delivery.due_at {
        waits.push(due.since(now).as_millis() / 1000);
        now = due;
        delivery = after(Ok(answered(500)), 0).settled(&delivery, now).1;
    }
    assert_eq!(waits, [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Failed, 10));
    assert_eq!(after(Ok(answered(200)), 0).settled(&tried(9), now).0, Tried::Delivered);
}

#[test]
fn chance_adds_up_to_a_tenth_and_the_endpoint_may_ask_for_more() {
    let due = |attempts, came, jitter| {
        after(came, jitter).settled(&tried(attempts), at(0)).1.due_at.unwrap().millis()
    };
    assert_eq!(due(0, Ok(answered(500)), 0), 5000);
    assert_eq!(due(0, Ok(answered(500)), 128), 5250);
    assert!((5490..5500).contains(&due(0, Ok(answered(500)), 255)));
    let asks = |span| Ok(Reply { status: 429, retry_after: Some(span), beginning: String::new() });
    assert_eq!(due(0, asks(Span::seconds(60)), 0), 60_000);
    assert_eq!(due(1, asks(Span::seconds(60)), 0), 300_000);
    assert_eq!(due(0, asks(Span::days(30)), 0), LONGEST_WAIT.as_millis());
}

#[test]
fn who_is_gone_or_fails_for_days_is_told_nothing_any_more() {
    let mark = |old: &WebhookEndpoint, came, tried, now| after(came, 0).marked(old, tried, now);
    let failing = mark(&endpoint(), Ok(answered(500)), Tried::Delayed, at(10));
    assert_eq!((failing.failing_since, failing.disabled), (Some(at(10)), None));
    let later = mark(&failing, Ok(answered(500)), Tried::Failed, at(20));
    assert_eq!(later, failing);
    let well = mark(&failing, Ok(answered(204)), Tried::Delivered, at(20));
    assert_eq!(well, endpoint());
    let days = at(10).plus(PATIENCE);
    let nearly =
        mark(&failing, Ok(answered(500)), Tried::Failed, Timestamp::from_millis(days.millis() - 1));
    assert_eq!(nearly.disabled, None);
    let given_up = mark(&failing, Err(Unsent(String::new())), Tried::Delayed, days);
    assert_eq!((given_up.disabled, given_up.disabled_at), (Some(Disabled::Failing), Some(days)));
    let gone = mark(&endpoint(), Ok(answered(410)), Tried::Failed, at(10));
    assert_eq!((gone.disabled, gone.disabled_at), (Some(Disabled::Gone), Some(at(10))));
    assert_eq!(after(Ok(answered(410)), 0).settled(&tried(0), at(10)).0, Tried::Failed);
    // What staff said stands.
    let mut off = endpoint();
    disable(&mut off, Disabled::Staff, at(1));
    assert_eq!(
        mark(&off, Ok(answered(410)), Tried::Failed, at(10)).disabled,
        Some(Disabled::Staff)
    );
}

#[test]
fn an_answer_is_kept_short_and_on_one_line() {
    assert_eq!(clean(" a\r\nb\u{0}c "), "a  b c");
    assert_eq!(clean(&"é".repeat(1000)).chars().count(), KEPT_CHARACTERS);
}
