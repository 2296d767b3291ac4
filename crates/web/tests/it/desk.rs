//! What tests of the console share: who sits at it, and what its pages say.

use scrip_domain::staff::StaffRole;
use scrip_testkit::{Browser, Shop};

/// A browser in which somebody of the staff in this role is signed in.
pub async fn clerk(shop: &Shop, role: StaffRole) -> Browser<'_> {
    shop.clerk(role).await.0
}

/// The page has each of these.
#[track_caller]
pub fn says(html: &str, all: &[&str]) {
    for text in all {
        assert!(html.contains(text), "{text}: {html}");
    }
}

/// It has none of these.
#[track_caller]
pub fn silent(html: &str, all: &[&str]) {
    for text in all {
        assert!(!html.contains(text), "{text}: {html}");
    }
}
