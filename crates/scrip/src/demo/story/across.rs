//! The second part: buying across two servers. The merchant has the goods, the provider has the buyers.

use std::time::Duration;

use http::Method;
use scrip_client::{Body, Client};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Said, Story, said, short};
use crate::demo::goods::Shelf;
use crate::failure::{Failure, Outcome};

/// How often, and after how long each time, the story looks whether the servers have agreed.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(200);

/// The servers, and who asks them what.
struct Two {
    provider: Client,
    merchant: Client,
    /// The merchant's one offer in the story.
    offer: String,
}

/// An order at the merchant that waits at the provider.
struct Waiting {
    order: String,
    token: String,
    reference: String,
}

impl Story<'_> {
    /// Tells the second part.
    pub(super) async fn across(&mut self) -> Outcome {
        self.teller.part("Two servers: Field Sounds has the goods, Meridian Pay has the buyers");
        let two = self.introduce().await?;
        let kim = self.buys_across(&two).await?;
        self.declines_across(&two, &kim).await?;
        self.killed_after_capture(&two, &kim).await?;
        self.given_back_by_itself(&two, &kim).await?;
        self.both_books(&two).await
    }

    /// The provider's administrator invites the merchant, which accepts and puts its goods in.
    async fn introduce(&mut self) -> Outcome<Two> {
        let client = |url: &str| Client::new(url).map_err(|error| Failure::of(&error));
        let (provider, merchant) =
            (client(&self.town.provider.url())?, client(&self.town.merchant.url())?);
        let url = self.town.merchant.url();
        let body = json!({
            "url": url, "name": "Field Sounds", "return_origins": [url],
            "limits": { "order": 1_000_000, "open": 20, "day": 10_000_000 },
            "fee": { "basis_points": 250, "fixed": 0 }, "threshold": 60_000, "invite": true,
        });
        let admin = format!("Bearer {}", self.town.provider.admin_key);
        let made = self.say(&provider, &admin, "POST", "/v1/admin/merchants", body).await?;
        let admin = format!("Bearer {}", self.town.merchant.admin_key);
        let path = "/v1/admin/provider/invitation";
        let accepted = match made.at("/invitation") {
            // A demo that goes on with its folder has done this before.
            "" => None,
            token => {
                let body = json!({ "invitation": token });
                Some(self.say(&merchant, &admin, "POST", path, body).await?)
            }
        };
        let state = accepted.as_ref().map_or("active", |accepted| accepted.at("/state"));
        let known = (made.status == 201 || made.status == 409) && state == "active";
        self.town.merchant.stock(Shelf::Sounds).await?;
        let path = "/v1/admin/products/six-strokes";
        let product = self.say(&merchant, &admin, "GET", path, Value::Null).await?;
        let offers = product.json["offers"].as_array().into_iter().flatten();
        let standard = offers.clone().find(|offer| offer["key"] == "standard");
        let offer = standard.and_then(|offer| offer["id"].as_str()).unwrap_or_default().to_owned();
        self.teller.step(
            "The provider invites a merchant, with limits and a fee, and the merchant's own server accepts",
            known && !offer.is_empty(),
            "POST /v1/admin/merchants, at Meridian Pay; POST /v1/admin/provider/invitation, at Field Sounds",
            &format!("{} {}: 2.5 % of each sale\nand is {state}", made.status, made.at("/id")),
        );
        Ok(Two { provider, merchant, offer })
    }

    /// A stranger buys: order at the merchant, account and wallet at the provider.
    async fn buys_across(&mut self, two: &Two) -> Outcome<String> {
        let waiting = self.orders(two, true).await?;
        let seen = self.payment(two, "", &waiting).await?;
        let held = seen.at("/merchant/name") == "Field Sounds" && seen.json["balance"].is_null();
        let answer = format!(
            "200 {}, {}, from {}: what the merchant signed, and nothing else",
            seen.at("/lines/0/title"),
            seen.at("/total/display"),
            seen.at("/merchant/name")
        );
        let asked = "GET /v1/payments/{reference}, at Meridian Pay";
        self.teller.step("The provider shows the signed offer", held, asked, &answer);
        let kim = self.joins_and_pays(two, &waiting).await?;
        self.comes_back(two, &waiting, &kim).await?;
        self.written_to(two).await?;
        Ok(kim.0)
    }

    /// Orders at the merchant as a visitor, and is sent to the provider.
    async fn orders(&mut self, two: &Two, tell: bool) -> Outcome<Waiting> {
        // After the first time the buyer owns it, and insists.
        let mut lines = super::lines(&two.offer);
        lines["allow_duplicate"] = json!(!tell);
        let order = self.say(&two.merchant, "", "POST", "/v1/orders", lines).await?;
        let (id, token) = (order.at("/id").to_owned(), order.at("/order_token").to_owned());
        let path = format!("/v1/orders/{id}/confirm");
        let by = format!("Order {token}");
        let confirmed = self.say(&two.merchant, &by, "POST", &path, json!({})).await?;
        let redirect = confirmed.at("/next_action/redirect").to_owned();
        let reference = redirect.rsplit('/').next().unwrap_or_default().to_owned();
        let held = order.status == 201
            && confirmed.status == 202
            && redirect.starts_with(&format!("{}/pay/", self.town.provider.url()));
        if !held {
            let said = format!("{}\n{}", order.problem(), confirmed.problem());
            self.teller.step("A visitor orders at the merchant", false, "POST /v1/orders", &said);
        } else if tell {
            self.teller.step(
                "A visitor orders at the merchant, and is sent to the provider to pay",
                held,
                "POST /v1/orders, then confirm, at Field Sounds",
                &format!(
                    "202 {} of {}\ngo to {}…",
                    confirmed.at("/state"),
                    order.at("/total/display"),
                    short(&redirect)
                ),
            );
        }
        Ok(Waiting { order: id, token, reference })
    }

    async fn payment(&mut self, two: &Two, who: &str, waiting: &Waiting) -> Outcome<Said> {
        let path = format!("/v1/payments/{}", waiting.reference);
        self.say(&two.provider, who, "GET", &path, Value::Null).await
    }

    /// Does something with a payment at the provider.
    async fn with_payment(
        &mut self,
        two: &Two,
        who: &str,
        waiting: &Waiting,
        verb: &str,
    ) -> Outcome<Said> {
        let path = format!("/v1/payments/{}/{verb}", waiting.reference);
        self.say(&two.provider, who, "POST", &path, json!({})).await
    }

    /// Registers at the provider, adds what is missing, and confirms. Gives who it is, and the address to go back to.
    async fn joins_and_pays(&mut self, two: &Two, waiting: &Waiting) -> Outcome<(String, String)> {
        let email = self.kim();
        let body = json!({ "email": email, "password": "correct horse battery" });
        let opened = self.say(&two.provider, "", "POST", "/v1/accounts", body).await?;
        let kim = format!("Bearer {}", opened.at("/token"));
        let claimed = self.with_payment(two, &kim, waiting, "claim").await?;
        let short = self.with_payment(two, &kim, waiting, "confirm").await?;
        let held = opened.status == 201
            && claimed.at("/state") == "claimed"
            && short.is(402, "insufficient_balance");
        self.teller.step(
            "The buyer registers at the provider and claims the purchase; the new wallet is short",
            held,
            "POST /v1/accounts, claim, confirm, at Meridian Pay",
            &format!("{}\nmissing: {}", short.problem(), short.at("/shortfall/display")),
        );
        let missing = json!({ "tokens": short.json["shortfall"], "method": "demo" });
        let added = self.say(&two.provider, &kim, "POST", "/v1/top-ups", missing).await?;
        let confirmed = self.with_payment(two, &kim, waiting, "confirm").await?;
        let back = confirmed.at("/return_url").to_owned();
        let held = added.at("/state") == "credited" && confirmed.at("/state") == "authorized";
        self.teller.step(
            "A top-up inside the purchase, then confirmed: the tokens are held for the merchant",
            held && back.starts_with(&self.town.merchant.url()),
            "POST /v1/top-ups, then confirm, at Meridian Pay",
            &format!(
                "{} {}, credit status {}\n{}",
                added.status,
                added.at("/tokens/display"),
                added.at("/assessment/status"),
                confirmed.at("/state")
            ),
        );
        Ok((kim, back))
    }

    /// Back at the merchant: approved, the code, the goods; and nothing for anybody else.
    async fn comes_back(
        &mut self,
        two: &Two,
        waiting: &Waiting,
        (_, back): &(String, String),
    ) -> Outcome {
        let code = back.split("code=").nth(1).and_then(|rest| rest.split('&').next());
        let body = json!({ "return_code": code });
        let session = self.say(&two.merchant, "", "POST", "/v1/sessions", body).await?;
        let buyer = format!("Bearer {}", session.at("/token"));
        let order = self.until_paid(two, &buyer, &waiting.order).await?;
        let jws = order.at("/licenses/0/code/jws").to_owned();
        self.teller.step(
            "Back at the merchant: approved, and the merchant gives the code",
            order.json["approved"] == true && order.at("/state") == "paid" && !jws.is_empty(),
            "POST /v1/sessions {return_code}, GET /v1/orders/{id}, at Field Sounds",
            &format!(
                "{}, by {} of {}\ncode {}",
                order.at("/state"),
                order.at("/buyer/sub"),
                order.at("/buyer/iss"),
                order.at("/licenses/0/code/short")
            ),
        );
        let file = &order.json["licenses"][0]["files"][0];
        let path = format!("/v1/downloads/{}", file["id"].as_str().unwrap_or_default());
        let authorization = format!("License {jws}");
        let headers = [("authorization", authorization.as_str())];
        let got = two.merchant.request(Method::GET, &path, &headers, Body::empty()).await;
        let got = got.map_err(|error| Failure::of(&error))?;
        let digest = base16ct::lower::encode_string(&Sha256::digest(&got.body));
        self.teller.step(
            "The item downloads from the merchant",
            file["sha256"] == json!(digest),
            &format!("GET {path}, at Field Sounds"),
            &format!("{} bytes, SHA-256 {} is right", got.body.len(), short(&digest)),
        );
        let path = format!("/v1/orders/{}", waiting.order);
        let stranger = self.say(&two.merchant, "", "GET", &path, Value::Null).await?;
        let by = format!("Order {}", waiting.token);
        let opener = self.say(&two.merchant, &by, "GET", &path, Value::Null).await?;
        let told = opener.json.to_string();
        self.teller.step(
            "Whoever only opened the order sees how it stands, and never the code",
            stranger.status >= 400 && opener.status == 200 && !told.contains(&jws),
            "GET /v1/orders/{id}, as a stranger and with the order's own token",
            &format!("{}\n200 {}, no code", stranger.problem(), opener.at("/state")),
        );
        Ok(())
    }

    /// The merchant's letter with the code, in the buyer's mailbox, of which only the provider knows.
    async fn written_to(&mut self, two: &Two) -> Outcome {
        let path = format!("/v1/demo/mail?to={}", self.kim());
        let mut mail = Value::Null;
        for _ in 0..LOOKS {
            let looked = self.say(&two.provider, "", "GET", &path, Value::Null).await?;
            let letters = looked.json["data"].as_array().into_iter().flatten();
            let of_merchant = |letter: &&Value| {
                letter["subject"].as_str().is_some_and(|line| line.starts_with("Field Sounds: "))
            };
            if let Some(letter) = letters.clone().find(of_merchant) {
                mail = letter.clone();
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        let merchant = self.say(&two.merchant, "", "GET", &path, Value::Null).await?;
        let unknown = merchant.json["data"].as_array().is_some_and(Vec::is_empty);
        let (subject, text) = (&mail["subject"], mail["text"].as_str().unwrap_or_default());
        self.teller.step(
            "The merchant writes to a buyer whose address it does not know: the provider forwards the letter",
            unknown && text.contains("To copy:"),
            "GET /v1/demo/mail, at Meridian Pay and at Field Sounds",
            &format!("{}, with the code\nat the merchant: no letter to this address", subject.as_str().unwrap_or("no letter")),
        );
        Ok(())
    }

    /// The address of the buyer of this part.
    fn kim(&self) -> String {
        format!("kim-{}@example.com", self.run)
    }

    /// The order, once the servers have agreed.
    async fn until_paid(&mut self, two: &Two, who: &str, order: &str) -> Outcome<Said> {
        self.until(two, who, order, |state| matches!(state, "paid" | "refunded" | "declined")).await
    }

    async fn until(
        &mut self,
        two: &Two,
        who: &str,
        order: &str,
        enough: impl Fn(&str) -> bool,
    ) -> Outcome<Said> {
        let path = format!("/v1/orders/{order}");
        let mut look = self.say(&two.merchant, who, "GET", &path, Value::Null).await?;
        for _ in 0..LOOKS {
            if enough(look.at("/state")) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            look = self.say(&two.merchant, who, "GET", &path, Value::Null).await?;
        }
        Ok(look)
    }

    /// The buyer says no: nothing is taken, and the merchant tells it.
    async fn declines_across(&mut self, two: &Two, kim: &str) -> Outcome {
        let waiting = self.orders(two, false).await?;
        self.with_payment(two, kim, &waiting, "claim").await?;
        let declined = self.with_payment(two, kim, &waiting, "decline").await?;
        let by = format!("Order {}", waiting.token);
        let order = self.until(two, &by, &waiting.order, |state| state == "declined").await?;
        self.teller.step(
            "The buyer declines at the provider, and the merchant tells it",
            declined.at("/state") == "declined" && order.json["approved"] == false,
            "POST /v1/payments/{reference}/decline, at Meridian Pay",
            &format!(
                "{}, approved: {}, reason: {}",
                order.at("/state"),
                order.json["approved"],
                order.at("/reason")
            ),
        );
        Ok(())
    }

    /// A confirmed purchase of which the merchant's report is held up: captured, and not delivered.
    async fn captured(&mut self, two: &Two, kim: &str) -> Outcome<Waiting> {
        let body = json!({ "tokens": { "amount": 60_000, "unit": "MRD" }, "method": "demo" });
        self.say(&two.provider, kim, "POST", "/v1/top-ups", body).await?;
        let waiting = self.orders(two, false).await?;
        self.with_payment(two, kim, &waiting, "claim").await?;
        self.town.line.cut();
        self.with_payment(two, kim, &waiting, "confirm").await?;
        // The buyer's browser dies here: nobody goes back to the merchant.
        if !self.town.line.has_held_up().await {
            return Err(Failure::new("the merchant has not captured a confirmed purchase"));
        }
        Ok(waiting)
    }

    /// The merchant dies between capture and delivery, with no browser to remind it.
    async fn killed_after_capture(&mut self, two: &Two, kim: &str) -> Outcome {
        let waiting = self.captured(two, kim).await?;
        self.town.merchant.kill().await?;
        let between = self.payment(two, kim, &waiting).await?;
        self.town.line.mend();
        self.town.merchant.restart().await?;
        let by = format!("Order {}", waiting.token);
        let order = self.until_paid(two, &by, &waiting.order).await?;
        let after = self.payment(two, kim, &waiting).await?;
        self.teller.step(
            "The merchant is killed after the capture and restarted; no browser reminds it, and it delivers",
            between.at("/state") == "captured" && order.at("/state") == "paid" && after.at("/state") == "fulfilled",
            "kill -9, then scrip serve, at Field Sounds",
            &format!("at the provider: {}, then {}\nat the merchant: {}", between.at("/state"), after.at("/state"), order.at("/state")),
        );
        Ok(())
    }

    /// Nobody delivers until the deadline: the provider gives back by itself, and what comes later is too late.
    async fn given_back_by_itself(&mut self, two: &Two, kim: &str) -> Outcome {
        let waiting = self.captured(two, kim).await?;
        let before = self.balance(two, kim).await?;
        self.pass(two, 90_000).await?;
        let mut payment = self.payment(two, kim, &waiting).await?;
        for _ in 0..LOOKS {
            if payment.at("/state") == "refunded" {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            payment = self.payment(two, kim, &waiting).await?;
        }
        let state = payment.at("/state");
        let after = self.balance(two, kim).await?;
        self.town.line.mend();
        // Until the merchant tries again.
        self.pass(two, 3_600).await?;
        let by = format!("Order {}", waiting.token);
        let order = self.until_paid(two, &by, &waiting.order).await?;
        self.teller.step(
            "Nothing is delivered for a day: the provider gives back by itself, and a late report is refused",
            state == "refunded" && before != after && order.at("/state") == "refunded",
            "POST /v1/demo/clock, a day and an hour, at both",
            &format!("at the provider: {state}; the wallet has {after} instead of {before}\nat the merchant: {}", order.at("/state")),
        );
        Ok(())
    }

    /// Lets time pass at both: servers that sign for each other have one time.
    async fn pass(&mut self, two: &Two, seconds: u32) -> Outcome {
        for client in [&two.provider, &two.merchant] {
            let body = json!({ "advance": seconds });
            self.say(client, "", "POST", "/v1/demo/clock", body).await?;
        }
        Ok(())
    }

    async fn balance(&mut self, two: &Two, who: &str) -> Outcome<String> {
        let wallet = self.say(&two.provider, who, "GET", "/v1/wallet", Value::Null).await?;
        Ok(wallet.at("/available/display").to_owned())
    }

    /// Both doctors.
    async fn both_books(&mut self, two: &Two) -> Outcome {
        let sound = |report: &Value| report["sound"] == true;
        let (provider, merchant) =
            (self.town.provider.doctor().await?, self.town.merchant.doctor().await?);
        let admin = format!("Bearer {}", self.town.provider.admin_key);
        let list =
            self.say(&two.provider, &admin, "GET", "/v1/admin/merchants", Value::Null).await?;
        let earned = list.at("/data/0/balance/balance/display");
        self.teller.step(
            "The doctors of both servers find nothing",
            sound(&provider) && sound(&merchant) && !earned.is_empty(),
            "scrip doctor, at Meridian Pay and Field Sounds",
            &format!(
                "sound: {} and {}\nthe merchant has earned {earned}",
                provider["sound"], merchant["sound"]
            ),
        );
        Ok(())
    }

    /// Asks a server; without an `authorization` as nobody.
    pub(super) async fn say(
        &mut self,
        client: &Client,
        authorization: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> Outcome<Said> {
        let key = self.key();
        said(client, authorization, method, path, &key, body).await
    }
}
