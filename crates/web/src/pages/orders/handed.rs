//! What a paid order hands out: codes, files, instructions, and how to use them.

use maud::{Markup, PreEscaped, html};
use scrip_domain::catalog::File;
use scrip_domain::estimate::{Basis, Pace};
use scrip_domain::license::License;
use scrip_domain::order::Line;
use scrip_engine::catalog::markdown;

use crate::App;
use crate::language::{reader, say, t};
use crate::pages::look::{Tone, badge, copy, date};
use crate::pages::pay::{size_text, span_text};
use crate::pages::words::{state, terms};
use crate::problem::Problem;

/// A license that is handed out.
#[derive(Debug)]
pub struct Handed {
    license: License,
    title: String,
    /// How it stands, in a word.
    state: (Tone, &'static str),
    /// The signed code and the one for typing; none while they are withheld, and of what was refunded.
    code: Option<(String, String)>,
    /// What it opens.
    files: Vec<File>,
    pace: Pace,
    /// As HTML.
    instructions: String,
    /// Where this is.
    server: String,
}

impl Handed {
    /// The license that `line` made or extended, with all that it opens.
    pub async fn new(app: &App, license: License, line: Option<&Line>) -> Result<Self, Problem> {
        let code =
            if license.tells_its_code() { Some(app.engine.code(&license).await?) } else { None };
        let files = match license.release.filter(|_| code.is_some()) {
            Some(release) => app.engine.released(release).await?.files.clone(),
            None => Vec::new(),
        };
        let product = app.engine.store().product(license.product).await?;
        let language = reader(&app.engine.vendor().await?.settings);
        Ok(Self {
            title: line.map(|line| line.title.clone()).unwrap_or_default(),
            state: state(&license, app.engine.now()),
            code: code.map(|code| (code.jws, code.short)),
            files,
            pace: Pace::best(app.engine.measured_speed(license.account), None),
            instructions: product
                .map(|product| markdown::to_html(product.instructions_in(language)))
                .unwrap_or_default(),
            server: app.engine.public_url().to_owned(),
            license,
        })
    }
}

/// All of them, the first ones open.
pub fn all(handed: &[Handed]) -> Markup {
    let many = handed.len() > 3;
    html! {
        @for (place, one) in handed.iter().enumerate() {
            @if many {
                details.handed open[place == 0] {
                    summary { h3 { bdi { (one.title) } @if let Some((_, short)) = &one.code { " · " code { (short) } } } }
                    (inside(one))
                }
            } @else {
                section.handed.card aria-labelledby={ "h-" (one.license.id) } {
                    h3 id={ "h-" (one.license.id) } { bdi { (one.title) } }
                    (inside(one))
                }
            }
        }
    }
}

fn inside(one: &Handed) -> Markup {
    let id = one.license.id;
    html! {
        p.small {
            (terms(one.license.terms))
            @if let Some(at) = one.license.expires_at { (say!(", until {date}", date = date(at))) }
            @let (tone, word) = one.state;
            @if tone != Tone::Good { " " (badge(tone, word)) }
        }
        @match &one.code {
            Some((jws, short)) => {
                (files(one))
                @if !one.instructions.is_empty() {
                    h4 { (t("How you get it")) }
                    // Made harmless where it is made HTML.
                    div.prose { (PreEscaped(&one.instructions)) }
                }
                h4 { (t("Code for typing")) }
                p.code { code id={ "short-" (id) } { (short) } " " (copy(&format!("short-{id}"), t("Copy the code"))) }
                details {
                    summary { (t("Signed code, for programs and without a network")) }
                    p.code { code.long id={ "jws-" (id) } { (jws) } }
                    p { (copy(&format!("jws-{id}"), t("Copy the signed code"))) }
                }
                details {
                    summary { (t("How to use the code")) }
                    ul {
                        li { (t("Type or paste it where the program asks for its license. Capital letters and dashes \
                            do not matter.")) }
                        @if !one.files.is_empty() {
                            li { (say!("In a terminal, {code} fetches the files, goes on where it was broken off, and \
                                verifies them.", code = html! { code { "scrip get " (short) " --server " (one.server) } })) }
                        }
                        li { (say!("The signed code can be verified without a network by any program that knows JOSE; \
                            the keys are at {link}.", link = html! { a href="/.well-known/jwks.json" { "/.well-known/jwks.json" } })) }
                        li { (say!("It stays in your {link}: you can come back for it at any time.",
                            link = html! { a href={ "/library/" (id) } { (t("library")) } })) }
                    }
                }
            }
            None => p { (t("Its code is not told.")) },
        }
    }
}

fn files(one: &Handed) -> Markup {
    html! {
        @if !one.files.is_empty() {
            h4 { (t("Files")) }
            ul.files {
                @for (place, file) in one.files.iter().enumerate() {
                    li {
                        a.button.second[place > 0] href={ "/library/" (one.license.id) "/files/" (file.id) } { span { (say!("Download {name}", name = html! { bdi { (file.name) } })) } }
                        span.small {
                            (say!("{size}, about {span} at {mbps} Mbit/s", size = size_text(file.size),
                                span = span_text(one.pace.speed.seconds_for(file.size)), mbps = one.pace.speed.mbps()))
                            @if one.pace.basis == Basis::Measured { (t(", as your last downloads ran")) }
                        }
                    }
                }
            }
        }
    }
}
