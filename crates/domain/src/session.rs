//! Sessions: a bearer token that stands for an account for a while.

use crate::account::Account;
use crate::id::Id;
use crate::time::{Span, Timestamp};
use crate::wallet::Wallet;
use crate::words;

/// What is kept of a bearer token: the first 16 bytes of its SHA-256.
pub type TokenHash = [u8; 16];

/// How long a session lives.
pub const LIFETIME: Span = Span::days(30);

words! {
    /// A family of browsers, as it says itself.
    pub enum Browser {
        /// Google's, and most that are made of it.
        Chrome = "chrome",
        /// Microsoft's.
        Edge = "edge",
        /// Mozilla's.
        Firefox = "firefox",
        /// Opera's.
        Opera = "opera",
        /// Apple's.
        Safari = "safari",
        /// One that says nothing that is known.
        Other = "other",
        /// No browser, but a program of the API.
        Program = "program",
    }
}

impl Browser {
    /// The family that a `User-Agent` names. The later ones in a line of descent name the earlier ones too.
    pub fn of(user_agent: &str) -> Self {
        let named = |name: &str| user_agent.contains(name);
        if named("Edg/") || named("EdgA/") || named("EdgiOS/") {
            Self::Edge
        } else if named("OPR/") || named("Opera") {
            Self::Opera
        } else if named("Firefox/") || named("FxiOS/") {
            Self::Firefox
        } else if named("Chrome/") || named("CriOS/") || named("Chromium/") {
            Self::Chrome
        } else if named("Safari/") {
            Self::Safari
        } else {
            Self::Other
        }
    }
}

/// A signed-in client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The token's hash; the token itself is told once and never kept.
    pub token: TokenHash,
    /// Whose session it is.
    pub account: Id<Account>,
    /// The account's wallet, which never changes: known without reading the account.
    pub wallet: Id<Wallet>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// From when on it is worthless.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart_by_the_last_of_their_line() {
        let webkit = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, browser) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                Browser::Firefox,
            ),
            (&format!("{webkit} Chrome/140.0 Safari/537.36"), Browser::Chrome),
            (&format!("{webkit} Chrome/140.0 Safari/537.36 Edg/140.0"), Browser::Edge),
            (&format!("{webkit} Chrome/140.0 Safari/537.36 OPR/120.0"), Browser::Opera),
            (&format!("{webkit} Version/18.0 Safari/605.1.15"), Browser::Safari),
            ("curl/8.5.0", Browser::Other),
            ("", Browser::Other),
        ] {
            assert_eq!(Browser::of(agent), browser, "{agent}");
        }
    }
}
