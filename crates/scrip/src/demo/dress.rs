//! What the demo's servers look like, and the terms that they publish: each has a colour, a line and its papers.

use scrip_client::Client;
use scrip_domain::legal::LegalName;
use serde_json::{Value, json};

use super::server::Seat;
use crate::failure::{Failure, Outcome};

/// The texts, with `{vendor}`, `{token}` and `{code}` where those stand.
const TEXTS: [(LegalName, &str); 4] = [
    (LegalName::Terms, include_str!("../../../../demo/legal/terms.md")),
    (LegalName::Privacy, include_str!("../../../../demo/legal/privacy.md")),
    (LegalName::Imprint, include_str!("../../../../demo/legal/imprint.md")),
    (LegalName::Tokens, include_str!("../../../../demo/legal/tokens.md")),
];

/// How a server looks, by its name.
fn look(name: &str) -> Value {
    let (accent, tagline, introduction) = match name {
        "Belle Isle Sounds" => (
            "#8a3b1c",
            "Bells, fog horns and the sea, recorded and computed",
            "Small recordings from a small island, for films, games and alarm clocks.",
        ),
        "Meridian Pay" => ("#4a45a8", "One wallet of Meridian for many shops", ""),
        "Field Sounds" => (
            "#3f6b21",
            "Percussion made from formulas",
            "Every sound here is computed, not sampled: take it, and do with it what you like.",
        ),
        _ => (
            "#0a5a68",
            "Tools, tables and textures from Port Aurora",
            "Everything in this shop is made by programs that fit on a page, and yours within a second of paying.",
        ),
    };
    let footer = format!("{name}, a shop of the demonstration of Scrip");
    json!({ "look": { "accent": accent, "tagline": tagline, "introduction": introduction, "footer": footer } })
}

/// Gives the server at `seat` its look and its papers.
pub async fn dress(seat: &Seat, admin_key: &str) -> Outcome {
    let failed = |error: scrip_client::Error| Failure::of(&error);
    let client = Client::new(&seat.url()).map_err(|error| Failure::of(&error))?;
    let admin = client.admin(admin_key);
    admin.patch("settings", &look(seat.name)).await.map_err(failed)?;
    for (name, text) in TEXTS {
        let text = text.replace("{vendor}", seat.name);
        let text = text.replace("{token}", seat.token.name).replace("{code}", seat.token.code);
        admin.put(&format!("documents/{name}"), &json!({ "text": text })).await.map_err(failed)?;
    }
    Ok(())
}
