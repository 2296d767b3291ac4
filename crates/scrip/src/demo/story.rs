//! The story: a stranger becomes a buyer and leaves with the goods and a code that proves it.
//!
//! Each chapter is a few requests to the running server, told as they are made.

mod across;
mod cards;
mod changes;
mod credit;
mod funds;
mod partners;
pub mod past;
mod program;
mod settling;

use http::Method;
use jwt_compact::alg::Ed25519;
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::{Algorithm, AlgorithmExt, UntrustedToken};
use scrip_client::{Body, Client};
use scrip_domain::Entropy;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Town;
use super::goods::Shelf;
use super::teller::Teller;
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome};

/// The story so far.
#[derive(Debug)]
pub struct Story<'a> {
    town: Town,
    teller: &'a mut Teller,
    /// To the vendor, to whom the first part of the story goes.
    client: Client,
    /// Makes idempotency keys and addresses that no earlier run has used.
    run: String,
    keys: u32,
}

/// An answer of the server.
struct Said {
    status: u16,
    json: Value,
    replayed: bool,
}

impl Said {
    fn at(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The status and the problem code, if it is one.
    fn is(&self, status: u16, code: &str) -> bool {
        self.status == status && self.at("/code") == code
    }

    /// Status, code and words of a problem.
    fn problem(&self) -> String {
        format!("{} {}: {}", self.status, self.at("/code"), self.at("/detail"))
    }
}

impl<'a> Story<'a> {
    /// A story in `town`.
    pub fn new(town: Town, teller: &'a mut Teller) -> Outcome<Self> {
        let client = Client::new(&town.vendor.url()).map_err(|error| Failure::of(&error))?;
        let mut bytes = [0; 6];
        SystemEntropy.fill(&mut bytes);
        let run = base16ct::lower::encode_string(&bytes);
        Ok(Self { town, teller, client, run, keys: 0 })
    }

    /// The town, when the story is over.
    pub fn into_town(self) -> Town {
        self.town
    }

    /// Tells it all.
    pub async fn tell(&mut self) -> Outcome {
        self.goods().await?;
        self.past().await?;
        self.members_only().await?;
        let ada = self.register_first().await?;
        self.cards(&ada).await?;
        self.transfer(&ada).await?;
        self.voucher(&ada).await?;
        self.credit_line(&ada).await?;
        let kept = self.browse_first(&ada).await?;
        let order = self.buy(&ada, &kept).await?;
        self.coupon(&ada).await?;
        self.decline(&ada).await?;
        self.receive(&order).await?;
        self.verify(&order).await?;
        self.changes().await?;
        self.program(&ada).await?;
        self.empty_wallet().await?;
        self.crash(&ada, &order).await?;
        self.give_back(&ada).await?;
        self.money_back(&ada).await?;
        self.dispute().await?;
        self.books().await?;
        self.across().await?;
        self.partners().await
    }

    /// The vendor puts its goods in.
    async fn goods(&mut self) -> Outcome {
        let first = self.town.vendor.stock(Shelf::Whole).await?;
        let again = self.town.vendor.stock(Shelf::Whole).await?;
        let products = self.ask("", "GET", "/v1/products?limit=100", Value::Null).await?;
        let goods: Vec<String> =
            products.json["data"].as_array().into_iter().flatten().map(good).collect();
        let settled = again["changes"].as_array().is_none_or(Vec::is_empty);
        let held = goods.len() >= 8 && settled && !first.is_null();
        self.teller.step(
            "The vendor applies a folder of goods; applied again, there is nothing to do",
            held,
            "scrip catalog apply goods/",
            &goods.join("\n"),
        );
        Ok(())
    }

    /// The first flow: nothing is told to strangers.
    async fn members_only(&mut self) -> Outcome {
        self.flow(json!({ "flow": "members_only" })).await?;
        let products = self.ask("", "GET", "/v1/products", Value::Null).await?;
        let held = products.is(401, "account_required");
        let answer =
            format!("{} (register at {})", products.problem(), products.at("/links/register"));
        self.teller.step(
            "Flow members_only: a stranger is asked for an account first",
            held,
            "GET /v1/products",
            &answer,
        );
        Ok(())
    }

    /// The second flow: register, top up to the threshold, then select.
    async fn register_first(&mut self) -> Outcome<String> {
        let threshold =
            json!({ "policy": "fixed", "amount": { "amount": 100_000, "unit": "AUR" } });
        self.flow(json!({ "flow": "register_first", "threshold": threshold })).await?;
        let offer = self.offer("tallow").await?;
        let quote = self.ask("", "POST", "/v1/quotes", lines(&offer)).await?;
        let held = quote.is(401, "account_required");
        self.teller.step(
            "Flow register_first: a quote needs an account",
            held,
            "POST /v1/quotes, tallow",
            &quote.problem(),
        );

        let email = format!("ada-{}@example.com", self.run);
        let ada = self.register(&email).await?;
        let order = self.ask(&ada, "POST", "/v1/orders", lines(&offer)).await?;
        let held = order.is(402, "balance_below_threshold")
            && order.at("/shortfall/display") == "10.0000 AUR";
        let answer = format!("{}\nshort of {}", order.problem(), order.at("/shortfall/display"));
        self.teller.step(
            "Below the threshold ordering stays shut, and says what is missing",
            held,
            "POST /v1/orders, tallow",
            &answer,
        );

        self.top_up(&ada, 400_000, "40 AUR on demo_approved").await?;
        let quote = self.ask(&ada, "POST", "/v1/quotes", lines(&offer)).await?;
        let answer = format!(
            "200 total {}, {} would remain",
            quote.at("/total/display"),
            quote.at("/remaining/display")
        );
        self.teller.step(
            "At the threshold it opens",
            quote.status == 200,
            "POST /v1/quotes, tallow",
            &answer,
        );
        Ok(ada)
    }

    async fn register(&mut self, email: &str) -> Outcome<String> {
        let body = json!({ "email": email, "password": "correct horse battery" });
        let opened = self.ask("", "POST", "/v1/accounts", body).await?;
        let answer = format!("201 {}, its wallet open and empty", opened.at("/account/id"));
        self.teller.step(
            "A stranger registers",
            opened.status == 201,
            &format!("POST /v1/accounts {email}"),
            &answer,
        );
        Ok(opened.at("/token").to_owned())
    }

    async fn top_up(&mut self, who: &str, units: u64, what: &str) -> Outcome {
        let body = json!({ "tokens": { "amount": units, "unit": "AUR" }, "method": "demo" });
        let top_up = self.ask(who, "POST", "/v1/top-ups", body).await?;
        let held = top_up.status == 201 && top_up.at("/state") == "credited";
        let answer = format!(
            "201 {}: {} for {}, credit status {}",
            top_up.at("/state"),
            top_up.at("/tokens/display"),
            top_up.at("/pay/display"),
            top_up.at("/assessment/status"),
        );
        self.teller.step("Add funds", held, &format!("POST /v1/top-ups, {what}"), &answer);
        Ok(())
    }

    /// The third flow: look around, select, register with the selection kept; and what is hidden.
    async fn browse_first(&mut self, ada: &str) -> Outcome<String> {
        self.flow(json!({ "flow": "browse_first", "threshold": { "policy": "cheapest_offer" } }))
            .await?;
        for (slug, what) in [("six-strokes", "its description"), ("paper-and-slate", "its price")] {
            let seen = self.ask("", "GET", &format!("/v1/products/{slug}"), Value::Null).await?;
            let hidden = &seen.json["hidden"][0];
            let member = self.ask(ada, "GET", &format!("/v1/products/{slug}"), Value::Null).await?;
            let open = member.json["hidden"].as_array().is_some_and(Vec::is_empty);
            let held = seen.status == 200 && !hidden.is_null() && open;
            let answer =
                format!("200 {}\nhidden: {hidden}\nto Ada nothing is hidden", seen.at("/title"));
            let name = format!(
                "Flow browse_first: a visitor is told that {what} is hidden, and what unlocks it"
            );
            self.teller.step(&name, held, &format!("GET /v1/products/{slug}"), &answer);
        }
        let offer = self.offer("white-noise").await?;
        let order = self.ask("", "POST", "/v1/orders", lines(&offer)).await?;
        let kept = order.at("/selection").to_owned();
        let held = order.is(401, "account_required") && !kept.is_empty();
        let answer = format!("{}\nthe selection is kept: {}…", order.problem(), short(&kept));
        self.teller.step(
            "A visitor orders; the selection is kept until there is an account",
            held,
            "POST /v1/orders, white-noise",
            &answer,
        );
        Ok(kept)
    }

    /// Ada goes on with the kept selection: summary, confirmation, and the same again.
    async fn buy(&mut self, ada: &str, kept: &str) -> Outcome<Value> {
        let draft = self.ask(ada, "POST", "/v1/orders", json!({ "selection": kept })).await?;
        let answer = format!(
            "201 {}: {} for {}, prices held until {}",
            draft.at("/state"),
            draft.at("/lines/0/title"),
            draft.at("/total/display"),
            draft.at("/expires_at")
        );
        self.teller.step(
            "Ada goes on where the visitor stopped, and sees the summary",
            draft.status == 201,
            "POST /v1/orders with the kept selection",
            &answer,
        );

        let key = self.key();
        let path = format!("/v1/orders/{}/confirm", draft.at("/id"));
        let paid = self.ask_with(ada, "POST", &path, &key, json!({})).await?;
        let answer = format!(
            "200 approved: {}, {} left\ncode {}",
            paid.at("/state"),
            paid.at("/confirmation/balance_after/display"),
            paid.at("/licenses/0/code/short")
        );
        self.teller.step(
            "She confirms: approved, with a confirmation and a code",
            paid.at("/state") == "paid",
            &format!("POST {path}"),
            &answer,
        );

        let again = self.ask_with(ada, "POST", &path, &key, json!({})).await?;
        let same = if again.json == paid.json { "the same" } else { "ANOTHER answer" };
        let answer = format!("{} Idempotency-Replayed: {}, {same}", again.status, again.replayed);
        let held = again.replayed && again.json == paid.json;
        self.teller.step(
            "The same request again gives the same answer, and charges nothing",
            held,
            "the same, with the same Idempotency-Key",
            &answer,
        );
        Ok(paid.json)
    }

    async fn decline(&mut self, ada: &str) -> Outcome {
        let offer = self.offer("harbour-report").await?;
        let body = json!({ "lines": [{ "offer": offer }], "expected_total": { "amount": 2_400_000, "unit": "AUR" } });
        let declined = self.ask(ada, "POST", "/v1/purchases", body).await?;
        let order = declined.at("/order").to_owned();
        let record = self.ask(ada, "GET", &format!("/v1/orders/{order}"), Value::Null).await?;
        let held = declined.is(402, "insufficient_balance") && record.at("/state") == "declined";
        let answer = format!(
            "{}\nshort of {}; {order} is on record as {}: {}",
            declined.problem(),
            declined.at("/shortfall/display"),
            record.at("/state"),
            record.at("/reason")
        );
        self.teller.step(
            "Too dear: declined with a reason, nothing charged",
            held,
            "POST /v1/purchases, harbour-report",
            &answer,
        );
        Ok(())
    }

    /// The download, cut half-way and resumed; and nobody else gets it.
    async fn receive(&mut self, order: &Value) -> Outcome {
        let file = &order["licenses"][0]["files"][0];
        let (id, name) =
            (file["id"].as_str().unwrap_or_default(), file["name"].as_str().unwrap_or_default());
        let path = format!("/v1/downloads/{id}");
        let code = order["licenses"][0]["code"]["jws"].as_str().unwrap_or_default();
        let size = file["size"].as_u64().unwrap_or_default();
        let shown = self.ask("", "GET", "/v1/products/white-noise?mbps=100", Value::Null).await?;
        let estimate = &shown.json["files"][0]["estimated_download"];
        let mut hasher = Sha256::new();
        let license = format!("License {code}");
        let first =
            self.fetch(&path, &[("authorization", &license)], size / 2, &mut hasher).await?;
        let range = format!("bytes={first}-");
        let headers = [("authorization", license.as_str()), ("range", range.as_str())];
        let second = self.fetch(&path, &headers, u64::MAX, &mut hasher).await?;
        let digest = base16ct::lower::encode_string(&hasher.finalize());
        let held = first < size
            && first + second == size
            && Some(digest.as_str()) == file["sha256"].as_str();
        let answer = format!(
            "{size} bytes, {} s at {} Mbit/s ({})\ncut after {first}, resumed with Range: {second} more\nSHA-256 {digest}, as published",
            estimate["seconds"],
            estimate["mbps"],
            estimate["basis"].as_str().unwrap_or_default()
        );
        self.teller.step(
            "The download, cut half-way and resumed",
            held,
            &format!("GET {path}, {name}"),
            &answer,
        );

        let nobody = self.ask("", "GET", &path, Value::Null).await?;
        let wrong = self.fetch_as(&path, "License 00000-00000-00000-00000-00000").await?;
        let held = nobody.status == 401 && wrong.is(403, "code_refused");
        let answer =
            format!("without a code {}\nwith a wrong one {}", nobody.problem(), wrong.problem());
        self.teller.step(
            "A second visitor cannot have the file",
            held,
            &format!("GET {path}"),
            &answer,
        );
        Ok(())
    }

    /// The code, verified by a JOSE library that is not ours, and by the server in both forms.
    async fn verify(&mut self, order: &Value) -> Outcome {
        let jws = order["licenses"][0]["code"]["jws"].as_str().unwrap_or_default();
        let keys = self.ask("", "GET", "/.well-known/jwks.json", Value::Null).await?;
        let claims = foreign(jws, &keys.json);
        let held = claims.as_ref().is_ok_and(|claims| claims["ord"] == order["id"]);
        let answer = match &claims {
            Ok(claims) => {
                format!("good signature; order {}, product {}", claims["ord"], claims["prd"])
            }
            Err(why) => why.clone(),
        };
        self.teller.step(
            "The code is verified by a JOSE library that is not ours",
            held,
            "jwt-compact, with /.well-known/jwks.json",
            &answer,
        );
        let short =
            order["licenses"][0]["code"]["short"].as_str().unwrap_or_default().to_lowercase();
        let verdict =
            self.ask("", "POST", "/v1/licenses/validate", json!({ "code": short })).await?;
        let held = verdict.json["valid"] == json!(true);
        self.teller.step(
            "The short form works as well, typed in lower case",
            held,
            &format!("POST /v1/licenses/validate {short}"),
            &format!("200 {}", verdict.at("/code")),
        );
        Ok(())
    }

    /// A wallet that is spent to the last unit.
    async fn empty_wallet(&mut self) -> Outcome {
        let eve = self.register(&format!("eve-{}@example.com", self.run)).await?;
        self.top_up(&eve, 3, "0.0003 AUR").await?;
        let offer = self.offer("tide-of-the-day").await?;
        let body = json!({ "lines": [{ "offer": offer }], "expected_total": { "amount": 1, "unit": "AUR" }, "allow_duplicate": true });
        let mut bought = 0;
        let last = loop {
            let said = self.ask(&eve, "POST", "/v1/purchases", body.clone()).await?;
            if said.status != 201 || bought > 3 {
                break said;
            }
            bought += 1;
        };
        let wallet = self.ask(&eve, "GET", "/v1/wallet", Value::Null).await?;
        let held =
            bought == 3 && last.status == 402 && wallet.at("/available/display") == "0.0000 AUR";
        let answer = format!(
            "three times 201, then {}\nthe wallet holds {}",
            last.problem(),
            wallet.at("/available/display")
        );
        self.teller.step(
            "A wallet is spent to the last unit, and not beyond",
            held,
            "POST /v1/purchases, tide-of-the-day at 0.0001 AUR, four times",
            &answer,
        );
        Ok(())
    }

    /// The process is killed; what was sold stays sold.
    async fn crash(&mut self, ada: &str, order: &Value) -> Outcome {
        self.town.vendor.kill().await?;
        self.town.vendor.restart().await?;
        self.client = Client::new(&self.town.vendor.url()).map_err(|error| Failure::of(&error))?;
        let id = order["id"].as_str().unwrap_or_default();
        let after = self.ask(ada, "GET", &format!("/v1/orders/{id}"), Value::Null).await?;
        let held = after.json == *order;
        self.teller.step(
            "The server is killed and started again: order and code are the same",
            held,
            &format!("kill -9, scrip serve, GET /v1/orders/{id}"),
            &format!("200 {}, code {}", after.at("/state"), after.at("/licenses/0/code/short")),
        );
        Ok(())
    }

    /// The books are whole.
    async fn books(&mut self) -> Outcome {
        let report = self.town.vendor.doctor().await?;
        let checks = report["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows: u64 = checks.iter().filter_map(|check| check["rows"].as_u64()).sum();
        let held = report["sound"] == json!(true) && !checks.is_empty();
        let answer = format!(
            "{} checks over {rows} rows: {}",
            checks.len(),
            if held { "the books are whole" } else { "NOT whole" }
        );
        self.teller.step(
            "The doctor proves the books, beside the running server",
            held,
            "scrip doctor",
            &answer,
        );
        Ok(())
    }

    /// The vendor changes its settings.
    async fn flow(&mut self, settings: Value) -> Outcome {
        let admin = self.town.vendor.admin_key.clone();
        let changed = self.ask(&admin, "PATCH", "/v1/admin/settings", settings).await?;
        if changed.status == 200 { Ok(()) } else { Err(Failure::new(changed.problem())) }
    }

    /// The id of a product's first offer, as Ada's shop window shows it to staff.
    async fn offer(&mut self, slug: &str) -> Outcome<String> {
        let admin = self.town.vendor.admin_key.clone();
        let product =
            self.ask(&admin, "GET", &format!("/v1/admin/products/{slug}"), Value::Null).await?;
        let offer = product.json["offers"].as_array().into_iter().flatten();
        let offer =
            offer.clone().find(|offer| offer["key"] == "standard").map(|offer| offer["id"].clone());
        match offer.as_ref().and_then(Value::as_str) {
            Some(id) => Ok(id.to_owned()),
            None => Err(Failure::new(format!("{slug} has no offer: {}", product.problem()))),
        }
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("demo-{}-{}", self.run, self.keys)
    }

    async fn ask(&mut self, who: &str, method: &str, path: &str, body: Value) -> Outcome<Said> {
        let key = self.key();
        self.ask_with(who, method, path, &key, body).await
    }

    async fn ask_with(
        &self,
        who: &str,
        method: &str,
        path: &str,
        key: &str,
        body: Value,
    ) -> Outcome<Said> {
        let authorization = if who.is_empty() { String::new() } else { format!("Bearer {who}") };
        said(&self.client, &authorization, method, path, key, body).await
    }

    async fn fetch_as(&self, path: &str, authorization: &str) -> Outcome<Said> {
        let headers = [("authorization", authorization)];
        let answer = self.client.request(Method::GET, path, &headers, Body::empty()).await;
        let answer = answer.map_err(|error| Failure::of(&error))?;
        let json = serde_json::from_slice(&answer.body).unwrap_or_default();
        Ok(Said { status: answer.status.as_u16(), replayed: false, json })
    }

    /// Reads at least `enough` bytes of a download, then hangs up; gives how many came.
    async fn fetch(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        enough: u64,
        hasher: &mut Sha256,
    ) -> Outcome<u64> {
        let reply = self.client.stream(Method::GET, path, headers, Body::empty()).await;
        let mut reply = reply.map_err(|error| Failure::of(&error))?;
        let mut came = 0;
        while came < enough {
            match reply.chunk().await.map_err(|error| Failure::of(&error))? {
                Some(chunk) => {
                    hasher.update(&chunk);
                    came += chunk.len() as u64;
                }
                None => break,
            }
        }
        Ok(came)
    }
}

/// Asks a server something; without an `authorization` as nobody.
async fn said(
    client: &Client,
    authorization: &str,
    method: &str,
    path: &str,
    key: &str,
    body: Value,
) -> Outcome<Said> {
    let mut headers = vec![("idempotency-key", key)];
    if !authorization.is_empty() {
        headers.push(("authorization", authorization));
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        headers.push(("content-type", "application/json"));
        Body::from(body.to_string())
    };
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| Failure::of(&error))?;
    let answer = client.request(method, path, &headers, body).await;
    let answer = answer.map_err(|error| Failure::of(&error))?;
    let json = serde_json::from_slice(&answer.body).unwrap_or_default();
    Ok(Said { status: answer.status.as_u16(), replayed: answer.replayed(), json })
}

/// The claims of a code, by the word of another library.
fn foreign(jws: &str, keys: &Value) -> Result<Value, String> {
    let token = UntrustedToken::new(jws).map_err(|error| error.to_string())?;
    let kid = token.header().key_id.clone();
    let key = keys["keys"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|key| key["kid"].as_str() == kid.as_deref());
    let key = key.ok_or("the key set does not have the key")?.to_string();
    let key: JsonWebKey<'_> = serde_json::from_str(&key).map_err(|error| error.to_string())?;
    let key =
        <Ed25519 as Algorithm>::VerifyingKey::try_from(&key).map_err(|error| error.to_string())?;
    let token =
        Ed25519.validator::<Value>(&key).validate(&token).map_err(|error| error.to_string())?;
    Ok(token.claims().custom.clone())
}

fn good(product: &Value) -> String {
    let price = match product["price_from"]["display"].as_str() {
        Some(price) => format!("from {price}"),
        None => "price hidden from visitors".to_owned(),
    };
    let text = |member: &str| product[member].as_str().unwrap_or_default().to_owned();
    format!("{:<9} {:<36} {price}", text("kind"), text("title"))
}

fn lines(offer: &str) -> Value {
    json!({ "lines": [{ "offer": offer }] })
}

fn short(text: &str) -> &str {
    text.get(..16).unwrap_or(text)
}
