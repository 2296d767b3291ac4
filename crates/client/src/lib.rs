//! Typed HTTP client of Scrip's public API.
//!
//! [`Client`] has one method per route; their types live in a file per noun. What the server
//! refuses comes back as [`Error::Problem`]; what may or may not have happened as [`Error::Lost`],
//! after which the caller asks again with the same idempotency key. Members that this client
//! doesn't know are ignored, as the API only ever adds.
//!
//! There is no clock in here: who wants a deadline drops the future, which closes its connection.
//! There is no network either: a [`Connector`] opens the streams, so that the same client runs over
//! TCP and inside the simulator.
//!
//! ```no_run
//! # async fn buy() -> Result<(), Box<dyn std::error::Error>> {
//! use scrip_client::{Basket, Client, Line, Purchase};
//!
//! let shop = Client::new("http://127.0.0.1:8080")?;
//! let buyer = shop.bearer(&shop.sign_in("ada@example.org", "correct horse", None).await?.token);
//! let basket = Basket { lines: vec![Line::one("ofr_06bq3v8k2m9zc")], coupon: None };
//! let total = buyer.quote(&basket).await?.total;
//! let order = buyer.purchase("my-key-1", &Purchase::of(basket, total)).await?;
//! println!("{}", order.licenses[0].code.short);
//! # Ok(())
//! # }
//! ```

mod account;
mod admin;
mod answer;
mod body;
mod client;
mod connector;
mod demo;
mod download;
mod error;
mod license;
mod money;
mod order;
mod page;
mod pool;
mod product;
mod refund;
mod top_up;
mod url;
mod vendor;
mod wallet;

pub use account::{Account, Permits, Registered, Registration, Session};
pub use admin::Admin;
pub use answer::{Answer, Reply};
pub use body::Body;
pub use client::Client;
pub use connector::{Connector, Stream};
pub use demo::Seeded;
pub use download::{Range, Ticket};
pub use error::{Error, FieldProblem, Problem};
pub use license::{Code, License, Machine, Validation};
pub use money::Money;
pub use order::{Basket, Check, Line, Order, OrderLicense, Purchase, Quote};
pub use page::{Page, Paging};
pub use product::{
    EstimatedDownload, File, Hidden, Offer, Payment, Product, ProductQuery, ProductSummary,
};
pub use refund::{NewRefund, RefundLine};
pub use top_up::{Assessment, NewTopUp, TopUp};
pub use url::{BadUrl, BaseUrl};
pub use vendor::{Threshold, Token, UnitValue, Vendor};
pub use wallet::{Lot, Transfer, Wallet};
