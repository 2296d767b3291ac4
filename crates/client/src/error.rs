//! What can go wrong, divided by what the caller may conclude from it.

use std::error::Error as StdError;
use std::{fmt, io};

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Money;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused: an answer like any other, with a stable code.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// No connection: the server has not seen the request.
    #[error("no connection to {server}")]
    Unreachable {
        /// The base URL that was tried.
        server: String,
        /// What the network said.
        source: io::Error,
    },
    /// The connection ended before the answer did: what was asked may or may not have happened. Ask
    /// again, with the same idempotency key.
    #[error("the connection was lost before the answer was complete")]
    Lost(#[source] Box<dyn StdError + Send + Sync>),
    /// The server answered something that this client cannot read.
    #[error("an answer with status {status} that this client cannot read: {detail}")]
    Unreadable {
        /// The status of the answer.
        status: StatusCode,
        /// What is wrong with it.
        detail: String,
    },
    /// The caller's own words make no HTTP request, for instance a token with a line break.
    #[error("not a valid request")]
    Request(#[source] http::Error),
}

impl Error {
    /// The problem, if the server refused.
    pub fn problem(&self) -> Option<&Problem> {
        if let Self::Problem(problem) = self { Some(problem) } else { None }
    }

    /// The stable code of the problem, if the server refused.
    pub fn code(&self) -> Option<&str> {
        self.problem().map(|problem| problem.code.as_str())
    }
}

/// A refusal as the server words it (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// A URL that explains the code.
    pub r#type: String,
    /// The problem in a few words, the same for each occurrence.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What happened this time.
    pub detail: Option<String>,
    /// The stable code that callers branch on.
    pub code: String,
    /// The id under which the server logged the request.
    pub request_id: Option<String>,
    /// The fields that are wrong or missing.
    pub errors: Vec<FieldProblem>,
    /// What the account has, where the problem is a lack of tokens.
    pub balance: Option<Money>,
    /// What it would need.
    pub required: Option<Money>,
    /// The difference.
    pub shortfall: Option<Money>,
    /// Where to go from here, by name.
    pub links: Map<String, Value>,
    /// Members of this code alone, such as `selection`, `top_up` or `order`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FieldProblem {
    /// The path of the field, such as `lines[0].offer`.
    pub field: String,
    /// The stable code.
    pub code: String,
    /// The reason in a sentence.
    pub detail: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, code, title, detail, .. } = self;
        write!(f, "{status} {code}: {}", detail.as_ref().unwrap_or(title))?;
        for error in &self.errors {
            write!(f, "; {} {}", error.field, error.detail.as_ref().unwrap_or(&error.code))?;
        }
        Ok(())
    }
}
