//! What was sold before the story begins: a month in which people come, top up and buy, so that the vendor's charts have
//! something to show. The server's clock starts that far behind, and is put forward day by day.

use serde_json::json;
use sha2::Sha256;

use super::Story;
use super::funds::aur;
use crate::failure::{Failure, Outcome};

/// How many days the clock starts behind.
pub const DAYS: u32 = 30;

/// Who comes, four in five days.
const NAMES: [&str; 18] = [
    "mira", "jonas", "aiko", "tomas", "leila", "noor", "pavel", "grace", "sven", "ines", "kofi",
    "yara", "emil", "hana", "luca", "maren", "oskar", "tilda",
];
/// What is bought, the liked ones more often: the product, and its price in ten-thousandths.
const LIKED: [(&str, u64); 9] = [
    ("white-noise", 5_000),
    ("reading-the-tide", 24_000),
    ("tides-2027", 48_000),
    ("white-noise", 5_000),
    ("six-strokes", 60_000),
    ("reading-the-tide", 24_000),
    ("tallow", 125_000),
    ("harbour-set", 60_000),
    ("tide-of-the-day", 1),
];
/// One top-up: 30 tokens.
const TOP_UP: u64 = 300_000;

/// What became of a month.
#[derive(Debug, Default)]
struct Sold {
    orders: u32,
    top_ups: u32,
    refunds: u32,
}

impl Story<'_> {
    /// A month goes by, up to now.
    pub(super) async fn past(&mut self) -> Outcome {
        if !self.town.vendor.is_new {
            return Ok(());
        }
        let mut offers = Vec::new();
        for (slug, price) in LIKED {
            offers.push((self.offer(slug).await?, price));
        }
        let (mut buyers, mut sold): (Vec<String>, _) = (Vec::new(), Sold::default());
        for day in 0..DAYS {
            if let Some(name) = NAMES.get(buyers.len()).filter(|_| day % 5 != 4) {
                let email = format!("{name}@example.net");
                let body = json!({ "email": email, "password": "correct horse battery" });
                let opened = self.ask("", "POST", "/v1/accounts", body).await?;
                buyers.push(opened.at("/token").to_owned());
            }
            // More from week to week, most at its end.
            let busy = 2 + day / 10 + [0, 1, 0, 2, 1, 3, 2][day as usize % 7];
            for turn in 0..busy {
                let buyer = &buyers[(day * 3 + turn) as usize % buyers.len()];
                // What they have already they pass by.
                let first = (day * 5 + turn * 4) as usize;
                for (offer, price) in
                    offers.iter().cycle().skip(first % offers.len()).take(offers.len())
                {
                    if self.trade(buyer, offer, *price, &mut sold).await? {
                        break;
                    }
                }
            }
            self.ask("", "POST", "/v1/demo/clock", json!({ "advance": 86_400 })).await?;
        }
        let Sold { orders, top_ups, refunds } = sold;
        let held = orders > 50 && top_ups > 10 && refunds > 0;
        self.teller.step(
            "A month goes by in which others buy: the console's charts begin there",
            held,
            "POST /v1/accounts, /v1/top-ups, /v1/purchases, /v1/demo/clock, day by day",
            &format!(
                "{} buyers, {top_ups} top-ups, {orders} orders, {refunds} refunds",
                NAMES.len()
            ),
        );
        Ok(())
    }

    /// Somebody buys something, adding funds first where they are short; gives whether they did not have it already.
    async fn trade(
        &mut self,
        buyer: &str,
        offer: &str,
        price: u64,
        sold: &mut Sold,
    ) -> Outcome<bool> {
        let body = json!({ "lines": [{ "offer": offer }], "expected_total": aur(price) });
        let mut paid = self.ask(buyer, "POST", "/v1/purchases", body.clone()).await?;
        if paid.status == 402 {
            let funds = json!({ "tokens": aur(TOP_UP), "method": "demo" });
            let added = self.ask(buyer, "POST", "/v1/top-ups", funds).await?;
            sold.top_ups += u32::from(added.at("/state") == "credited");
            paid = self.ask(buyer, "POST", "/v1/purchases", body).await?;
        }
        match paid.status {
            201 => sold.orders += 1,
            409 => return Ok(false),
            _ => return Err(Failure::new(paid.problem())),
        }
        // Now and then something is given back.
        if sold.orders.is_multiple_of(20) {
            let path = format!("/v1/admin/orders/{}/refunds", paid.at("/id"));
            let admin = self.town.vendor.admin_key.clone();
            let reason = json!({ "reason": "bought by mistake" });
            sold.refunds += u32::from(self.ask(&admin, "POST", &path, reason).await?.status == 201);
        } else if let Some(file) = paid.json["licenses"][0]["files"][0]["id"].as_str() {
            let license = format!("License {}", paid.at("/licenses/0/code/jws"));
            let (path, headers) = (format!("/v1/downloads/{file}"), [("authorization", &*license)]);
            self.fetch(&path, &headers, u64::MAX, &mut Sha256::default()).await?;
        }
        Ok(true)
    }
}
