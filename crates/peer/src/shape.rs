//! What a provider answers, as it is on the wire. Members that are not known here are of a later version.

use bytes::Bytes;
use http::StatusCode;
use scrip_domain::Span;
use scrip_domain::purchase_request::RequestState;
use scrip_engine::provider::{Opened, Picture, ProviderError, Returned, Standing};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// An answer that becomes something of the port's.
pub(crate) trait Shape: DeserializeOwned {
    type Of;

    /// What it says, unless it cannot be meant.
    fn take(self) -> Result<Self::Of, ProviderError>;
}

#[derive(Deserialize)]
pub(crate) struct PictureIn {
    id: String,
    state: String,
    confirmation: Option<String>,
    receipt: Option<String>,
    fulfilment: Option<String>,
    #[serde(default)]
    refunds: Vec<String>,
}

impl Shape for PictureIn {
    type Of = Picture;

    fn take(self) -> Result<Picture, ProviderError> {
        let Self { id, state, confirmation, receipt, fulfilment, refunds } = self;
        let state = RequestState::parse(&state)
            .ok_or_else(|| ProviderError::Unbelievable(format!("a state called {state:?}")))?;
        Ok(Picture { id, state, confirmation, receipt, fulfilment, refunds })
    }
}

#[derive(Deserialize)]
pub(crate) struct OpenedIn {
    id: String,
    url: String,
    expires_in: u32,
}

impl Shape for OpenedIn {
    type Of = Opened;

    fn take(self) -> Result<Opened, ProviderError> {
        let Self { id, url, expires_in } = self;
        Ok(Opened { id, url, expires_in: Span::seconds(expires_in) })
    }
}

#[derive(Deserialize)]
pub(crate) struct ReturnedIn {
    subject: String,
    request: Option<PictureIn>,
    connection: Option<String>,
    funded: Option<bool>,
}

impl Shape for ReturnedIn {
    type Of = Returned;

    fn take(self) -> Result<Returned, ProviderError> {
        let Self { subject, request, connection, funded } = self;
        let request = request.map(Shape::take).transpose()?;
        Ok(Returned { subject, request, connection, standing: Standing { funded } })
    }
}

#[derive(Deserialize)]
pub(crate) struct StandingIn {
    funded: Option<bool>,
}

impl Shape for StandingIn {
    type Of = Standing;

    fn take(self) -> Result<Standing, ProviderError> {
        Ok(Standing { funded: self.funded })
    }
}

/// An answer's body, if its status says that it is one.
pub(crate) fn read<T: Shape>(status: StatusCode, body: &Bytes) -> Result<T::Of, ProviderError> {
    if !status.is_success() {
        return Err(refusal(status, body));
    }
    let shape: T = serde_json::from_slice(body)
        .map_err(|error| ProviderError::Unbelievable(error.to_string()))?;
    shape.take()
}

/// Why there is no answer. Only a code of the provider's own is a refusal: whatever else stands between may say no as
/// well, and knows nothing.
fn refusal(status: StatusCode, body: &Bytes) -> ProviderError {
    #[derive(Deserialize)]
    struct Problem {
        code: String,
        #[serde(default)]
        detail: String,
    }
    let number = status.as_u16();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return ProviderError::Unanswered(format!("status {number}"));
    }
    match serde_json::from_slice(body) {
        Ok(Problem { code, detail }) => ProviderError::Refused { code, detail },
        Err(_) => ProviderError::Unanswered(format!("status {number} without a code")),
    }
}
