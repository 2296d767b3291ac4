//! Files for accountants: the ledger as a journal, lists, and the period that is asked for.

use std::io;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use scrip_domain::{Span, Timestamp};
use scrip_engine::Period;
use scrip_engine::export::Export;
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{KnownFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::language::t;
use crate::problem::Problem;

/// A day in UTC, `2026-11-22`.
#[derive(Clone, Copy, Debug)]
pub struct Day(Timestamp);

impl Day {
    /// Its first instant.
    pub fn first(self) -> Timestamp {
        self.0
    }

    /// Reads what somebody typed.
    pub fn read(text: &str) -> Option<Self> {
        Timestamp::parse_date(text).map(Self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a day such as 2026-11-22");
        Self::read(&text).ok_or_else(wrong)
    }
}

impl PartialSchema for Day {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Date);
        let text = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
        text.examples(["2026-11-22"]).into()
    }
}

impl ToSchema for Day {}

/// The period from one day to another, both included.
pub fn period(from: Option<Day>, to: Option<Day>) -> Result<Period, Problem> {
    between(from.map(|Day(from)| from), to.map(|Day(to)| to.plus(Span::days(1))))
}

/// The period from one instant to the one before another.
pub fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Period, Problem> {
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(Problem::field("to", t("not before the first day")));
    }
    Ok(Period { from, to })
}

/// An answer that is a file to keep.
pub fn file(body: Body, media_type: &'static str, name: &str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    headers.extend(disposition.map(|value| (header::CONTENT_DISPOSITION, value)));
    response
}

/// An export, piece by piece as it is taken. One that breaks off ends the connection, so that nobody takes what
/// came for all of it.
pub fn pieces(export: Export) -> Body {
    Body::from_stream(stream::unfold(export, |mut export| async {
        let piece = export.next().await?.map(Bytes::from).map_err(|fault| {
            tracing::error!(%fault, "an export broke off");
            io::Error::other("the export broke off")
        });
        Some((piece, export))
    }))
}
