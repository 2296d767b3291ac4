//! What a server is among servers, and who its provider is.

use scrip_domain::role::{Role, Roles};
use scrip_engine::Mode;
use scrip_engine::peer::is_address;

use super::raw::Raw;
use crate::failure::{Failure, Outcome};

/// The roles, and the provider of a merchant. What contradicts itself is refused.
pub fn of(raw: &Raw, public_url: Option<&str>, demo: bool) -> Outcome<(Roles, Option<String>)> {
    let mode = if demo { Mode::Demo } else { Mode::Live };
    let expected = "a list of \"vendor\", \"merchant\", \"provider\"";
    let roles = raw.read("roles", expected, |value| {
        value.list()?.iter().map(|word| Role::parse(word)).collect::<Option<Vec<_>>>()
    })?;
    let roles = roles.map_or(Ok(Roles::default()), |roles| Roles::new(&roles));
    let roles = roles.map_err(|error| Failure::new(format!("roles: {error}")))?;
    let provider = raw.read("provider.url", "an address such as https://pay.example", |value| {
        let url = value.text()?.trim_end_matches('/').to_owned();
        (url.is_empty() || is_address(&url, mode)).then_some(url)
    })?;
    let provider = provider.filter(|url| !url.is_empty());
    match (roles.has(Role::Merchant), provider.is_some()) {
        (true, false) => {
            return Err(Failure::new("a merchant needs provider.url").advise(
                "It is the public address of the server that keeps its buyers' accounts.",
            ));
        }
        (false, true) => {
            return Err(Failure::new("provider.url is for a merchant, and roles does not say so")
                .advise("Set roles = [\"merchant\"], or leave provider.url out."));
        }
        _ => {}
    }
    if roles.is_known_to_servers() {
        is_known(public_url, provider.as_deref(), mode)?;
    }
    Ok((roles, provider))
}

/// Whether other servers can know this one by its public address.
fn is_known(public_url: Option<&str>, provider: Option<&str>, mode: Mode) -> Outcome {
    match public_url {
        // A demo goes by the address at which it listens.
        None if mode == Mode::Demo => Ok(()),
        None => Err(Failure::new("a merchant or provider needs public_url")
            .advise("Other servers know this one by it.")),
        Some(url) if !is_address(url, mode) => {
            Err(Failure::new("public_url of a merchant or provider must begin with https://")
                .advise("Other servers send money's worth to it."))
        }
        Some(url) if provider == Some(url) => {
            Err(Failure::new("provider.url is this server's own public_url"))
        }
        Some(_) => Ok(()),
    }
}
