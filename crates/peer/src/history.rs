//! What a partner has of what the two have signed, as it is on the wire.

use scrip_engine::partner::{Agreed, Closed, Exchanged, History, SettlementNews, Standing, Way};
use scrip_engine::peer::PeerError;
use serde::Deserialize;

use crate::shape::Shape;

/// The most of each kind on one page.
const MOST: usize = 500;

#[derive(Deserialize)]
pub(crate) struct HistoryIn {
    standing: Option<StandingIn>,
    #[serde(default)]
    agreements: Vec<AgreedIn>,
    #[serde(default)]
    exchanges: Vec<ExchangedIn>,
    #[serde(default)]
    cycles: Vec<ClosedIn>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct StandingIn {
    suspended: bool,
    since: u64,
    told: bool,
    told_since: u64,
}

#[derive(Deserialize)]
struct AgreedIn {
    proposal: String,
    acceptance: String,
    ends_at: Option<u64>,
}

#[derive(Deserialize)]
struct ExchangedIn {
    way: String,
    quote: Option<String>,
    prepared: Option<String>,
    commit: String,
    answer: Option<String>,
}

#[derive(Deserialize)]
struct ClosedIn {
    cycle: u32,
    account: Option<String>,
    heard: Option<String>,
    payment: Option<PaymentIn>,
}

#[derive(Deserialize)]
struct PaymentIn {
    #[serde(rename = "type")]
    kind: String,
    reference: Option<String>,
    paid: Option<String>,
}

fn unbelievable<T>(why: &str) -> Result<T, PeerError> {
    Err(PeerError::Unbelievable(why.to_owned()))
}

impl PaymentIn {
    fn take(self) -> Result<SettlementNews, PeerError> {
        match (&*self.kind, self.reference, self.paid) {
            ("instructed", Some(reference), _) => Ok(SettlementNews::Instructed(reference)),
            ("sent", Some(reference), _) => Ok(SettlementNews::Sent(reference)),
            ("received", _, Some(paid)) => Ok(SettlementNews::Received(paid)),
            _ => unbelievable("a payment that is none"),
        }
    }
}

impl ExchangedIn {
    fn take(self) -> Result<Exchanged, PeerError> {
        let Self { way, quote, prepared, commit, answer } = self;
        let way = match &*way {
            "out" => Way::Out,
            "in" => Way::In,
            _ => return unbelievable("an exchange of nobody"),
        };
        Ok(Exchanged { way, quote, prepared, commit, answer })
    }
}

impl ClosedIn {
    fn take(self) -> Result<Closed, PeerError> {
        let Self { cycle, account, heard, payment } = self;
        let payment = payment.map(PaymentIn::take).transpose()?;
        Ok(Closed { cycle, account, heard, payment })
    }
}

impl Shape for HistoryIn {
    type Of = History;

    fn take(self) -> Result<History, PeerError> {
        let Self { standing, agreements, exchanges, cycles, next } = self;
        if [agreements.len(), exchanges.len(), cycles.len()].iter().any(|count| *count > MOST) {
            return unbelievable("a page that is longer than asked for");
        }
        let standing = standing.map(|standing| {
            let StandingIn { suspended, since, told, told_since } = standing;
            Standing { suspended, since, told, told_since }
        });
        let agreed = |agreed: AgreedIn| {
            let AgreedIn { proposal, acceptance, ends_at } = agreed;
            Agreed { proposal, acceptance, ends_at }
        };
        Ok(History {
            standing,
            agreements: agreements.into_iter().map(agreed).collect(),
            exchanges: exchanges.into_iter().map(ExchangedIn::take).collect::<Result<_, _>>()?,
            cycles: cycles.into_iter().map(ClosedIn::take).collect::<Result<_, _>>()?,
            next,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<History, PeerError> {
        serde_json::from_value::<HistoryIn>(value).unwrap().take()
    }

    #[test]
    fn a_page_is_read_whatever_a_later_version_adds() {
        let page = read(json!({
            "standing": null, "agreements": [], "next": "cycles", "more": 1,
            "exchanges": [{ "way": "in", "commit": "c", "quote": null, "new": true }],
            "cycles": [{ "cycle": 3, "payment": { "type": "received", "reference": null, "paid": "p" } }],
        }));
        let page = page.unwrap();
        assert_eq!((page.next.as_deref(), page.exchanges[0].way), (Some("cycles"), Way::In));
        assert_eq!(page.exchanges[0].commit, "c");
        assert_eq!(page.cycles[0].payment, Some(SettlementNews::Received("p".to_owned())));
    }

    #[test]
    fn what_cannot_be_meant_is_not_believed() {
        let one = json!({ "way": "in", "commit": "c" });
        for bad in [
            json!({ "exchanges": [{ "way": "on", "commit": "c" }] }),
            json!({ "exchanges": vec![one; 501] }),
            json!({ "cycles": [{ "cycle": 1, "payment": { "type": "sent" } }] }),
            json!({ "cycles": [{ "cycle": 1, "payment": { "type": "kept", "reference": "r" } }] }),
        ] {
            assert!(matches!(read(bad.clone()), Err(PeerError::Unbelievable(_))), "{bad}");
        }
    }
}
