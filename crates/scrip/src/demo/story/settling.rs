//! The end of the third part: what two vendors owe each other becomes one payment, and both books say the same.

use http::Method;
use scrip_client::Body;
use serde_json::{Value, json};

use super::partners::Pair;
use super::{Said, Story};
use crate::failure::{Failure, Outcome};

/// Millionths of a euro in a cent.
const MICROS: i64 = 10_000;

/// A cycle as both sides state it.
struct Statements {
    here: Value,
    there: Value,
    /// What was owed before, in millionths.
    owed: i64,
}

impl Story<'_> {
    /// Closes the cycle, pays, and looks into both books.
    pub(super) async fn settles(&mut self, pair: &Pair) -> Outcome {
        let statements = self.closes(pair).await?;
        let paid = self.instructs(pair, &statements).await?;
        self.receives(pair, &statements, &paid).await?;
        self.both_vendors(pair, &statements).await
    }

    /// What one owes by its own book, and the other is owed by its.
    async fn owed(&mut self, pair: &Pair) -> Outcome<[Said; 2]> {
        let keys = (self.town.vendor.admin_key.clone(), self.town.partner.admin_key.clone());
        let path = |id: &str| format!("/v1/admin/partners/{id}");
        let (here, there) = (path(&pair.there), path(&pair.here));
        let (first, second) = (format!("Bearer {}", keys.0), format!("Bearer {}", keys.1));
        Ok([
            self.say(&pair.aurora, &first, "GET", &here, Value::Null).await?,
            self.say(&pair.belle, &second, "GET", &there, Value::Null).await?,
        ])
    }

    async fn closes(&mut self, pair: &Pair) -> Outcome<Statements> {
        let keys = (self.town.vendor.admin_key.clone(), self.town.partner.admin_key.clone());
        let [before, _] = self.owed(pair).await?;
        let path = format!("/v1/admin/agreements/{}/close-cycle", pair.agreement);
        let closed = self.ask(&keys.0, "POST", &path, json!({})).await?;
        let look = format!("/v1/admin/statements/{}", closed.at("/statement"));
        let agreed = |said: &Said| said.at("/state") == "agreed";
        let here = self.looks(&pair.aurora, &keys.0, &look, agreed).await?.json;
        let of_cycle = |said: &Said| {
            let all = said.json["data"].as_array().into_iter().flatten();
            let ours = all.filter(|one| one["partner"] == pair.here.as_str());
            ours.clone().find(|one| one["cycle"] == closed.json["cycle"]).cloned()
        };
        let both = |said: &Said| of_cycle(said).is_some_and(|one| one["state"] == "agreed");
        let there = self.looks(&pair.belle, &keys.1, "/v1/admin/statements", both).await?;
        let there = of_cycle(&there).unwrap_or_default();
        let amount = |value: &Value| value["amount"].as_i64();
        let negated = |value: &Value| amount(value).map(|amount| -amount);
        let held = here["state"] == "agreed"
            && there["state"] == "agreed"
            && here["gross_out"] == there["gross_in"]
            && here["count_out"] == there["count_in"]
            && amount(&here["net"]) == negated(&there["net"])
            && amount(&here["carried_out"]) == negated(&there["carried_out"])
            && here["theirs"].is_string()
            && there["theirs"].is_string();
        let text = |value: &Value| value["display"].as_str().unwrap_or_default().to_owned();
        let answer = format!(
            "cycle {} is {} at both: {} exchanges for {}\nto pay {}, until {}; {} is carried on\neach holds what the other has signed",
            here["cycle"],
            here["state"].as_str().unwrap_or_default(),
            here["count_out"],
            text(&here["gross_out"]),
            text(&here["net"]),
            here["pay_until"].as_str().unwrap_or_default(),
            text(&here["carried_out"]),
        );
        self.teller.step(
            "The cycle is closed, and both statements say the same",
            held,
            &format!("POST {path}; GET /v1/admin/statements, at both"),
            &answer,
        );
        let owed = before.json["payable"]["amount"].as_i64().unwrap_or_default();
        Ok(Statements { here, there, owed })
    }

    /// The debtor's file for its bank. Gives what both call the payment, and what the debtor does.
    async fn instructs(&mut self, pair: &Pair, of: &Statements) -> Outcome<Said> {
        let admin = self.town.vendor.admin_key.clone();
        let ours = json!({ "name": "Aurora Instruments", "iban": "DE89 3704 0044 0532 0130 00" });
        self.ask(&admin, "PUT", "/v1/admin/bank", ours).await?;
        let theirs = json!({ "name": "Belle Isle Sounds", "iban": "NL91 ABNA 0417 1643 00", "bic": "ABNANL2A" });
        let bank = format!("/v1/admin/partners/{}/bank", pair.there);
        self.ask(&admin, "PUT", &bank, theirs).await?;
        let body = json!({ "statement": of.here["id"], "method": "pain001" });
        let made = self.ask(&admin, "POST", "/v1/admin/settlements", body).await?;
        let path = format!("/v1/admin/settlements/{}/pain001", made.at("/id"));
        let by = format!("Bearer {admin}");
        let headers = [("authorization", by.as_str())];
        let file = pair.aurora.request(Method::GET, &path, &headers, Body::empty()).await;
        let file = file.map_err(|error| Failure::of(&error))?;
        let kept = self.town.vendor.keep(&format!("{}.xml", made.at("/id")), &file.body)?;
        let read = as_a_bank_reads(&String::from_utf8_lossy(&file.body));
        let answer = match &read {
            Ok([reference, amount, account]) => {
                format!("{kept}, well-formed: {amount} EUR to {account}, called {reference}")
            }
            Err(why) => format!("not an XML file: {why}"),
        };
        let cents = of.here["net"]["amount"].as_i64().unwrap_or_default();
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        let expected = [made.at("/reference"), &amount, "NL91ABNA0417164300"];
        let held = made.status == 201 && read.is_ok_and(|read| read == expected);
        self.teller.step(
            "The debtor gets a file for its bank, and an XML parser that is not ours reads it",
            held,
            &format!("POST /v1/admin/settlements, pain001; GET {path}"),
            &answer,
        );
        let path = format!("/v1/admin/settlements/{}/sent", made.at("/id"));
        self.ask(&admin, "POST", &path, Value::Null).await?;
        Ok(made)
    }

    /// The creditor says that the money has come: only that moves the debtor's book.
    async fn receives(&mut self, pair: &Pair, of: &Statements, made: &Said) -> Outcome {
        let keys = (self.town.vendor.admin_key.clone(), self.town.partner.admin_key.clone());
        let reference = made.at("/reference").to_owned();
        let named = |said: &Said| {
            let all = said.json["data"].as_array().into_iter().flatten();
            all.clone().find(|one| one["reference"] == reference.as_str()).cloned()
        };
        let heard = |said: &Said| named(said).is_some_and(|one| one["state"] == "sent");
        let there = self.looks(&pair.belle, &keys.1, "/v1/admin/settlements", heard).await?;
        let there = named(&there).unwrap_or_default();
        let id = there["id"].as_str().unwrap_or_default();
        let path = format!("/v1/admin/settlements/{id}/received");
        let cents = of.here["net"]["amount"].as_u64().unwrap_or_default();
        let body = |cents: u64| json!({ "money": { "amount": cents, "unit": "EUR" }, "reference": "statement 7, line 4" });
        let by = format!("Bearer {}", keys.1);
        let less = self.say(&pair.belle, &by, "POST", &path, body(cents.saturating_sub(1))).await?;
        let whole = self.say(&pair.belle, &by, "POST", &path, body(cents)).await?;
        let look = format!("/v1/admin/settlements/{}", made.at("/id"));
        let settled = |said: &Said| said.at("/state") == "settled";
        let here = self.looks(&pair.aurora, &keys.0, &look, settled).await?;
        let held = less.is(409, "settlement_amount")
            && settled(&whole)
            && settled(&here)
            && !here.at("/receipt").is_empty();
        let answer = format!(
            "a cent less: {}\n{}: {}, and Aurora holds the signed receipt",
            less.problem(),
            whole.at("/amount/display"),
            here.at("/state"),
        );
        self.teller.step(
            "The creditor records exactly what came, and signs for it",
            held,
            &format!("POST {path}, at Belle Isle Sounds"),
            &answer,
        );
        Ok(())
    }

    /// Both books: nothing is owed but what rounding left, and both doctors find nothing.
    async fn both_vendors(&mut self, pair: &Pair, of: &Statements) -> Outcome {
        let [here, there] = self.owed(pair).await?;
        let payable = here.json["payable"]["amount"].as_i64();
        let paid = of.here["net"]["amount"].as_i64().unwrap_or_default().saturating_mul(MICROS);
        let (first, second) = (self.town.vendor.doctor().await?, self.town.partner.doctor().await?);
        let held = payable == Some(of.owed.saturating_sub(paid))
            && payable == there.json["receivable"]["amount"].as_i64()
            && here.json["receivable"]["amount"] == 0
            && there.json["payable"]["amount"] == 0
            && of.there["id"].is_string()
            && first["sound"] == true
            && second["sound"] == true;
        let answer = format!(
            "Aurora owes {}, Belle Isle is owed {}: what rounding left, for the next cycle\nsound: {} and {}",
            here.at("/payable/display"),
            there.at("/receivable/display"),
            first["sound"],
            second["sound"],
        );
        self.teller.step(
            "Both books are even but for the carry, and the doctors of both find nothing",
            held,
            "GET /v1/admin/partners/{id}, at both; scrip doctor, at both",
            &answer,
        );
        Ok(())
    }
}

/// What a bank reads in the file: the payment's reference, its amount, and the account to which it goes.
fn as_a_bank_reads(file: &str) -> Result<[String; 3], String> {
    let document = roxmltree::Document::parse(file).map_err(|error| error.to_string())?;
    let last = |name: &str| {
        let mut nodes = document.descendants().filter(|node| node.tag_name().name() == name);
        let text = nodes.next_back().and_then(|node| node.text());
        text.map(str::to_owned).ok_or_else(|| format!("it has no {name}"))
    };
    Ok([last("EndToEndId")?, last("InstdAmt")?, last("IBAN")?])
}
