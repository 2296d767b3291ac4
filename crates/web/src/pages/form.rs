//! Forms: what a browser sends, and the fields that ask for it.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use maud::{Markup, Render, html};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::App;
use crate::extract::{MaxBody, is_sent_as, whole};
use crate::language::t;
use crate::pages::look::{Tone, notice};
use crate::pages::words::capitalized;
use crate::problem::{Problem, kind};
use crate::read::pairs;

/// A form that says only that its button was pressed.
#[derive(Debug, serde::Deserialize)]
pub struct Nothing {}

/// A form that was sent from a page of this server.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        pairs::read(&sent(request).await?).map(Self).map_err(|wrong| unreadable(&wrong))
    }
}

/// What a form of this server's pages holds.
async fn sent(request: Request) -> Result<Bytes, Problem> {
    if !from_here(request.headers()) {
        return Err(elsewhere());
    }
    if !is_sent_as(request.headers(), "application/x-www-form-urlencoded") {
        return Err(unreadable(&"it is no form"));
    }
    // Anybody may send this much. There is more room where a member of the staff is known (`Desk`).
    let MaxBody(most) = request.extensions().get().copied().unwrap_or_default();
    whole(request.into_body(), most).await
}

fn unreadable(why: &dyn std::fmt::Display) -> Problem {
    tracing::debug!(%why, "a form cannot be read");
    let detail = t("the form did not arrive as this page makes it: go back and send it again");
    Problem::new(&kind::MALFORMED, detail)
}

/// What is answered to a form that another site sent.
pub fn elsewhere() -> Problem {
    Problem::forbidden(t(
        "this form was sent from another site: open the page here, and send it again",
    ))
}

/// Whether a browser says that one of our own pages sent this. Browsers say where a form comes from, and a
/// page cannot make them say otherwise (Fetch Metadata; before it, RFC 6454). What says nothing is no
/// browser, and sends nobody else's cookie.
pub fn from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let host = text(header::HOST.as_str()).unwrap_or_default();
    match headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default()) {
        Some(origin) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        None => true,
    }
}

/// A field of a form, with its label above it and what is wrong with it below.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Its name in the form.
    pub name: &'a str,
    /// What people call it.
    pub label: &'a str,
    /// The `type` of its input.
    pub kind: &'a str,
    /// What was typed before.
    pub value: &'a str,
    /// What browsers fill it in with (HTML, `autocomplete`).
    pub autocomplete: &'a str,
    /// Whether the form cannot be sent without it.
    pub required: bool,
    /// What helps to fill it in.
    pub hint: Option<&'a str>,
    /// What is wrong with it.
    pub error: Option<&'a str>,
}

impl Render for Field<'_> {
    fn render(&self) -> Markup {
        let (hint, error) = (format!("{}-hint", self.name), format!("{}-error", self.name));
        let described: Vec<_> =
            [self.hint.map(|_| hint.as_str()), self.error.map(|_| error.as_str())]
                .into_iter()
                .flatten()
                .collect();
        let described = (!described.is_empty()).then(|| described.join(" "));
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                @if let Some(text) = self.hint { p.hint id=(hint) { (text) } }
                @if self.kind == "textarea" {
                    textarea id=(self.name) name=(self.name) rows="3" required[self.required]
                        autocomplete=(self.autocomplete)
                        aria-describedby=[described.as_deref()] aria-invalid=[self.error.map(|_| "true")] {
                        (self.value)
                    }
                } @else {
                    input id=(self.name) name=(self.name) type=(self.kind) value=(self.value) required[self.required]
                        autocomplete=(self.autocomplete)
                        aria-describedby=[described.as_deref()] aria-invalid=[self.error.map(|_| "true")];
                }
                @if let Some(text) = self.error { (mistake(Some(&error), text)) }
            }
        }
    }
}

/// The mistakes of a form, all of them at once.
#[derive(Debug, Default)]
pub struct Mistakes(Option<Problem>);

impl Mistakes {
    /// A field is wrong.
    pub fn add(&mut self, field: &str, detail: impl Into<String>) {
        let detail = detail.into();
        self.0 = Some(match self.0.take() {
            None => Problem::field(field, detail),
            Some(problem) => problem.with_error(field, "invalid", detail),
        });
    }

    /// The value, if nothing was wrong.
    pub fn or<T>(self, value: T) -> Result<T, Problem> {
        self.0.map_or(Ok(value), Err)
    }
}

/// What is wrong with a field, beside it. As the API says it, it is no sentence; for people it begins like one.
pub fn mistake(id: Option<&str>, text: &str) -> Markup {
    html! { p.wrong id=[id] { (capitalized(text)) } }
}

/// What is wrong with a form as a whole, above it.
pub fn complaint(text: &str) -> Markup {
    html! { p.complaint role="alert" { (text) } }
}

/// What was done a moment ago, by its word.
#[derive(Debug, Default, Deserialize)]
pub struct Told {
    /// The word.
    pub done: Option<String>,
}

/// That what the page was left for is done: one of these, by the word in the address.
pub fn done(word: Option<&str>, all: &[(&str, &str)]) -> Markup {
    let told = all.iter().find(|(name, _)| Some(*name) == word);
    told.map_or_else(Markup::default, |(_, text)| {
        html! { div role="status" { (notice(Tone::Good, &html! { (text) })) } }
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        let host = ("host", "shop.example");
        for good in [
            vec![host, ("sec-fetch-site", "same-origin")],
            vec![host, ("sec-fetch-site", "none")],
            vec![host, ("origin", "https://shop.example")],
            vec![host],
        ] {
            assert!(from_here(&headers(&good)), "{good:?}");
        }
        for bad in [
            vec![host, ("sec-fetch-site", "cross-site"), ("origin", "https://shop.example")],
            vec![host, ("sec-fetch-site", "same-site")],
            vec![host, ("origin", "https://evil.example")],
            vec![host, ("origin", "null")],
            vec![("origin", "https://shop.example")],
        ] {
            assert!(!from_here(&headers(&bad)), "{bad:?}");
        }
    }

    #[test]
    fn a_field_says_what_is_wrong_with_it() {
        let field = Field {
            name: "email",
            label: "E-mail",
            kind: "email",
            value: "a<b",
            autocomplete: "email",
            required: true,
            hint: None,
            error: Some("this is not an e-mail address"),
        };
        insta::assert_snapshot!(field.render().into_string(), @r#"<div class="field"><label for="email">E-mail</label><input id="email" name="email" type="email" value="a&lt;b" required autocomplete="email" aria-describedby="email-error" aria-invalid="true"><p class="wrong" id="email-error">This is not an e-mail address</p></div>"#);
    }

    #[test]
    fn only_known_words_tell_what_is_done() {
        let all = [("frozen", "It is frozen.")];
        assert!(done(Some("frozen"), &all).into_string().contains("It is frozen."));
        assert_eq!(done(Some("<script>"), &all).into_string(), "");
        assert_eq!(done(None, &all).into_string(), "");
    }
}
