//! Sessions: signing in and out.

use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use scrip_domain::account::plausible_email;
use scrip_domain::session::Browser;
use scrip_engine::session::{Entered, From, SignInRefusal, SignedIn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::{Buyer, Caller, bearer};
use crate::extract::{Body, Source};
use crate::passkey::Used;
use crate::problem::{Problem, kind};
use crate::text::Any;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sign_in)).routes(routes!(sign_out))
}

/// Who signs in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInBody {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    otp: Option<Any<0, 40>>,
    #[serde(default)]
    return_code: Option<String>,
    #[serde(default)]
    passkey: Option<Used>,
}

/// Who signs in: with address and password, with a passkey, or at a merchant with the code with which the buyer comes back from
/// the provider.
#[derive(ToSchema)]
#[schema(as = SignInBody, example = json!({ "email": "ada@example.com", "password": "correct horse battery" }))]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "describes what `SignInBody` reads")]
enum SignInForm {
    Password {
        #[schema(example = "ada@example.com", max_length = 254)]
        email: String,
        #[schema(example = "correct horse battery", max_length = 200)]
        password: String,
        /// A code of the second factor, or a recovery code, where the account has one.
        #[schema(example = "123456", max_length = 40)]
        otp: Option<String>,
    },
    Passkey {
        /// What `navigator.credentials.get()` gave for the options, by its `toJSON()`.
        passkey: Used,
    },
    Returned {
        #[schema(
            example = "5lYk0PZs0oT9eX1v7Qm2Cw",
            min_length = 1,
            max_length = 200,
            pattern = "^[!-~]+$"
        )]
        return_code: String,
    },
}

/// A session that was opened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionOut {
    /// The bearer token; told once.
    token: String,
    expires_at: String,
}

/// Signs in.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "accounts", request_body = SignInForm,
    responses(
        (status = 201, body = SessionOut),
        (status = 401, description = "`invalid_credentials`; `second_factor_required`: the password is right, send `otp` as well"),
        (status = 404, description = "`not_found`: at a merchant, whose buyers have their passwords at the provider"),
    )
)]
async fn sign_in(
    State(app): State<App>,
    source: Source,
    body: Body<SignInBody>,
) -> Result<(StatusCode, Json<SessionOut>), Problem> {
    let (email, password, otp) = match body.value {
        SignInBody {
            passkey: Some(passkey),
            email: None,
            password: None,
            otp: None,
            return_code: None,
        } => {
            return by_passkey(&app, &passkey, &source.0).await;
        }
        SignInBody { passkey: Some(_), .. } => {
            return Err(Problem::field("passkey", "nothing else is needed with it"));
        }
        SignInBody { return_code: Some(_), otp: Some(_), .. } => {
            return Err(Problem::field("otp", "who comes back from the provider needs none here"));
        }
        SignInBody { return_code: Some(code), email: None, password: None, .. } => {
            return returned(&app, &code).await;
        }
        SignInBody { return_code: Some(_), .. } => {
            return Err(Problem::field("return_code", "give either this or email and password"));
        }
        SignInBody { email: Some(email), password: Some(password), otp, .. } => {
            (email, password, otp)
        }
        SignInBody { email: None, .. } => {
            return Err(Problem::field("email", "this field is required"));
        }
        SignInBody { .. } => return Err(Problem::field("password", "this field is required")),
    };
    if let Some(provider) = app.engine.provider() {
        return Err(Problem::at_the_provider(provider.url()));
    }
    // What is no address has no account: nothing is looked up, nor hashed.
    if !plausible_email(email.trim()) || password.chars().count() > 200 {
        return Err(Problem::invalid_credentials("the address or the password is wrong"));
    }
    let from = From { browser: Browser::Program, known: None };
    let opened = match app.engine.sign_in(&email, &password, &source.0, from).await?? {
        Entered::In(opened) => opened,
        Entered::HalfWay(word) => {
            let required = || {
                let detail = "send a code of the second factor as well";
                Problem::new(&kind::SECOND_FACTOR_REQUIRED, detail).challenged("Bearer")
            };
            let otp = otp.ok_or_else(required)?;
            match app.engine.finish_sign_in(&word, &otp.0, from).await? {
                Ok(opened) => opened,
                Err(SignInRefusal::InvalidCredentials) => {
                    return Err(Problem::invalid_credentials("the code is wrong, or was used"));
                }
                Err(refusal) => return Err(refusal.into()),
            }
        }
    };
    Ok(opened_now(&opened))
}

/// Signs in whoever has this passkey.
async fn by_passkey(
    app: &App,
    passkey: &Used,
    source: &str,
) -> Result<(StatusCode, Json<SessionOut>), Problem> {
    if let Some(provider) = app.engine.provider() {
        return Err(Problem::at_the_provider(provider.url()));
    }
    let from = From { browser: Browser::Program, known: None };
    match app.engine.sign_in_with_passkey(passkey.shown(), source, from).await? {
        Ok(opened) => Ok(opened_now(&opened)),
        Err(SignInRefusal::InvalidCredentials) => Err(Problem::invalid_credentials(
            "this passkey opens nothing here, or the options are too old",
        )),
        Err(refusal) => Err(refusal.into()),
    }
}

fn opened_now(opened: &SignedIn) -> (StatusCode, Json<SessionOut>) {
    let (token, expires_at) = (opened.token.reveal().to_owned(), opened.expires_at.to_string());
    (StatusCode::CREATED, Json(SessionOut { token, expires_at }))
}

/// Signs in whoever comes back from the provider with this code. It is good once.
async fn returned(app: &App, code: &str) -> Result<(StatusCode, Json<SessionOut>), Problem> {
    let unreadable =
        !(1..=200).contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_graphic());
    if unreadable {
        return Err(Problem::field("return_code", "not a code with which a buyer comes back"));
    }
    if app.engine.provider().is_none() {
        return Err(Problem::invalid_credentials("nobody comes back here with such a code"));
    }
    let opened = app.engine.come_back(code).await??.session;
    Ok(opened_now(&opened))
}

/// Signs out: the session's token is worthless from now on.
#[utoipa::path(
    delete, path = "/v1/sessions/current", tag = "accounts", security(("bearer" = [])),
    responses(
        (status = 204, description = "signed out"),
        (status = 403, description = "`forbidden`: a key is no session, and goes on"),
    )
)]
async fn sign_out(
    State(app): State<App>,
    Caller(caller): Caller,
    buyer: Result<Buyer, Problem>,
    parts: Parts,
) -> Result<StatusCode, Problem> {
    if caller.is_some_and(|signed| signed.key.is_some()) {
        let detail = "a key is no session: whoever made it takes it back, at /account/keys, \
                      or with DELETE /v1/admin/api-keys/{id}";
        return Err(Problem::forbidden(detail));
    }
    buyer?;
    if let Some(token) = bearer(&parts)? {
        app.engine.sign_out(token).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
