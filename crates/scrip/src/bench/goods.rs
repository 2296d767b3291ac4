//! What to ask for, found in the catalogue of the server.

use scrip_client::{Basket, Client, File, Line, Money, Paging, Product, ProductQuery, Purchase};

use super::BenchError;

/// Everything on the first page of the catalogue, in full: 100 products are choice enough.
async fn products(client: &Client) -> Result<Vec<Product>, BenchError> {
    let paging = Paging { limit: Some(100), after: None };
    let query = ProductQuery { paging, ..ProductQuery::default() };
    let mut products = Vec::new();
    for summary in client.products(&query).await?.data {
        products.push(client.product(&summary.slug).await?);
    }
    Ok(products)
}

/// The slug of the first product.
pub(super) async fn first_product(client: &Client) -> Result<String, BenchError> {
    let first = client.products(&ProductQuery::default()).await?.data.into_iter().next();
    Ok(first.ok_or(BenchError::NothingFound("product"))?.slug)
}

/// The cheapest offer that costs something, so that tokens move; a free one where there is no
/// other.
pub(super) async fn cheapest_offer(client: &Client) -> Result<String, BenchError> {
    let products = products(client).await?;
    let offers = products.into_iter().flat_map(|product| product.offers);
    let priced = offers.filter_map(|offer| Some((offer.price?.amount, offer.id)));
    let cheapest = priced.min_by_key(|(amount, _)| (*amount == 0, *amount));
    Ok(cheapest.ok_or(BenchError::NothingFound("offer with a price"))?.1)
}

/// The largest file that is for sale, and the cheapest offer that brings it.
pub(super) async fn largest_file(client: &Client) -> Result<(File, String), BenchError> {
    let products = products(client).await?;
    let goods = products.into_iter().filter_map(|product| {
        let offer = product.offers.into_iter().min_by_key(|offer| price(offer.price.as_ref()))?;
        let file = product.files.into_iter().max_by_key(|file| file.size)?;
        Some((file, offer.id))
    });
    goods.max_by_key(|(file, _)| file.size).ok_or(BenchError::NothingFound("file for sale"))
}

fn price(price: Option<&Money>) -> u64 {
    price.map_or(u64::MAX, |price| price.amount)
}

/// A purchase of one offer at what it costs now, as often as wanted.
pub(super) async fn purchase_of(client: &Client, offer: &str) -> Result<Purchase, BenchError> {
    let basket = Basket { lines: vec![Line::one(offer)], coupon: None };
    let total = client.quote(&basket).await?.total;
    Ok(Purchase { allow_duplicate: true, ..Purchase::of(basket, total) })
}

/// What makes the idempotency keys of this run unlike those of every other.
#[expect(clippy::disallowed_methods, reason = "the load generator is the world outside")]
pub(super) fn run_id() -> Result<u64, BenchError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| BenchError::io("drawing a name for the run")(error.into()))?;
    Ok(u64::from_le_bytes(bytes))
}
