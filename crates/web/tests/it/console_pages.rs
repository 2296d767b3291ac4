//! What holds for every page of the console, by the list of its routes; and its pages about the look and the legal texts.

use std::collections::BTreeSet;

use http::StatusCode;
use scrip_domain::staff::StaffRole::{self, Catalogue, Finance, Owner, ReadOnly, Support};
use scrip_testkit::{Browser, Page, Shop, settings};

use crate::desk::{says, silent};
use crate::goods::bytes;
use crate::provider::World;
use crate::routes::console;

/// A page's address, its parameters filled with what names nothing.
fn filled(route: &str) -> String {
    let part = |part| match part {
        "{purpose}" => "license",
        part if str::starts_with(part, '{') => "nothing",
        part => part,
    };
    route.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Where everybody may go, or nobody is yet who goes there.
fn is_own(route: &str) -> bool {
    let starts = ["/admin/me/", "/admin/sign-", "/admin/welcome"];
    route == "/admin/me" || starts.iter().any(|own| route.starts_with(own))
}

/// Who may beside the owner, who may everything; nothing where there is no such page or form.
type Who = Option<&'static [StaffRole]>;

const NO: Who = None;
const ALL: Who = Some(&[Finance, Catalogue, Support, ReadOnly]);
const GOODS: Who = Some(&[Catalogue]);
const MONEY: Who = Some(&[Finance]);
const BUYERS: Who = Some(&[Support]);
const ASKED_BACK: Who = Some(&[Finance, Support]);
const OWNER: Who = Some(&[]);

/// Every route that is not one's own, with who may open its page and who may send its form: as docs/staff.md says it.
const REACH: &[(&str, Who, Who)] = &[
    ("/admin", ALL, NO),
    ("/admin/audit", ALL, NO),
    ("/admin/accounts", ALL, NO),
    ("/admin/accounts/{id}", ALL, NO),
    ("/admin/accounts/{id}/statement", ALL, NO),
    ("/admin/accounts/{id}/freeze", NO, BUYERS),
    ("/admin/accounts/{id}/thaw", NO, BUYERS),
    ("/admin/accounts/{id}/second-factor", NO, BUYERS),
    ("/admin/accounts/{id}/erase", NO, BUYERS),
    ("/admin/accounts/{id}/adjust", NO, MONEY),
    ("/admin/accounts/{id}/credit-limit", NO, MONEY),
    ("/admin/accounts/{id}/repayment", NO, MONEY),
    ("/admin/orders", ALL, NO),
    ("/admin/orders/{id}", ALL, NO),
    ("/admin/orders/{id}/refund", BUYERS, BUYERS),
    ("/admin/orders/{id}/refund/check", NO, BUYERS),
    ("/admin/refund-requests", ALL, NO),
    ("/admin/refund-requests/{id}", ALL, NO),
    ("/admin/refund-requests/{id}/accept", NO, ASKED_BACK),
    ("/admin/refund-requests/{id}/decline", NO, ASKED_BACK),
    ("/admin/licenses", ALL, NO),
    ("/admin/licenses/find", NO, ALL),
    ("/admin/licenses/{id}", ALL, NO),
    ("/admin/licenses/{id}/suspend", NO, BUYERS),
    ("/admin/licenses/{id}/resume", NO, BUYERS),
    ("/admin/licenses/{id}/revoke", NO, BUYERS),
    ("/admin/licenses/{id}/reissue", NO, BUYERS),
    ("/admin/licenses/{id}/deactivate", NO, BUYERS),
    ("/admin/top-ups", ALL, NO),
    ("/admin/top-ups/{id}", ALL, NO),
    ("/admin/top-ups/{id}/decide", NO, MONEY),
    ("/admin/top-ups/{id}/received", NO, MONEY),
    ("/admin/top-ups/{id}/cancel", NO, MONEY),
    ("/admin/top-ups/{id}/refund", NO, MONEY),
    ("/admin/vouchers", ALL, MONEY),
    ("/admin/vouchers/new", MONEY, NO),
    ("/admin/vouchers/codes", NO, MONEY),
    ("/admin/vouchers/{id}", ALL, NO),
    ("/admin/vouchers/{id}/close", NO, MONEY),
    ("/admin/coupons", ALL, MONEY),
    ("/admin/coupons/new", MONEY, NO),
    ("/admin/coupons/{id}", ALL, NO),
    ("/admin/coupons/{id}/close", NO, MONEY),
    ("/admin/products", ALL, NO),
    ("/admin/new-product", GOODS, GOODS),
    ("/admin/products/{slug}", ALL, NO),
    ("/admin/products/{slug}/preview", ALL, NO),
    ("/admin/products/{slug}/edit", GOODS, GOODS),
    ("/admin/products/{slug}/publish", GOODS, GOODS),
    ("/admin/products/{slug}/archive", GOODS, GOODS),
    ("/admin/products/{slug}/new-offer", GOODS, GOODS),
    ("/admin/products/{slug}/offers/{key}", GOODS, GOODS),
    ("/admin/products/{slug}/offers/{key}/retire", GOODS, GOODS),
    ("/admin/products/{slug}/new-release", GOODS, GOODS),
    ("/admin/products/{slug}/pictures", GOODS, GOODS),
    ("/admin/products/{slug}/pictures/change", NO, GOODS),
    ("/admin/products/{slug}/pictures/{sha256}", ALL, NO),
    ("/admin/products/{slug}/releases/{channel}/{version}", ALL, GOODS),
    ("/admin/products/{slug}/releases/{channel}/{version}/publish", GOODS, GOODS),
    ("/admin/products/{slug}/releases/{channel}/{version}/files", NO, GOODS),
    ("/admin/products/{slug}/releases/{channel}/{version}/files/remove", NO, GOODS),
    ("/admin/export", ALL, NO),
    ("/admin/export/ledger", ALL, NO),
    ("/admin/export/orders", ALL, NO),
    ("/admin/partners", ALL, NO),
    ("/admin/partners/new", MONEY, MONEY),
    ("/admin/partners/{id}", ALL, NO),
    ("/admin/partners/{id}/name", NO, MONEY),
    ("/admin/partners/{id}/bank", MONEY, MONEY),
    ("/admin/partners/{id}/propose", MONEY, MONEY),
    ("/admin/bank", MONEY, MONEY),
    ("/admin/agreements/{id}", ALL, NO),
    ("/admin/agreements/{id}/close-cycle", MONEY, MONEY),
    ("/admin/agreements/{id}/{turn}", MONEY, MONEY),
    ("/admin/exchanges", ALL, NO),
    ("/admin/exchanges/{id}", ALL, NO),
    ("/admin/exchanges/{id}/write-off", MONEY, MONEY),
    ("/admin/statements", ALL, NO),
    ("/admin/statements/{id}", ALL, NO),
    ("/admin/statements/{id}/compare", NO, MONEY),
    ("/admin/statements/{id}/pay", MONEY, MONEY),
    ("/admin/settlements", ALL, NO),
    ("/admin/settlements/{id}", ALL, NO),
    ("/admin/settlements/{id}/pain001", MONEY, NO),
    ("/admin/settlements/{id}/sent", MONEY, MONEY),
    ("/admin/settlements/{id}/received", MONEY, MONEY),
    ("/admin/settlements/{id}/write-off", MONEY, MONEY),
    ("/admin/merchants", ALL, NO),
    ("/admin/merchants/new", MONEY, MONEY),
    ("/admin/merchants/{id}", ALL, NO),
    ("/admin/merchants/{id}/change", MONEY, MONEY),
    ("/admin/merchants/{id}/pay-out", MONEY, MONEY),
    ("/admin/merchants/{id}/{turn}", MONEY, MONEY),
    ("/admin/requests", ALL, NO),
    ("/admin/requests/{id}", ALL, NO),
    ("/admin/requests/{id}/refund", MONEY, MONEY),
    ("/admin/provider", ALL, MONEY),
    ("/admin/restore", ALL, NO),
    ("/admin/restore/skip", OWNER, OWNER),
    ("/admin/restore/again", NO, OWNER),
    ("/admin/webhooks", OWNER, NO),
    ("/admin/webhooks/new", OWNER, OWNER),
    ("/admin/webhooks/{id}", OWNER, NO),
    ("/admin/webhooks/{id}/change", OWNER, OWNER),
    ("/admin/webhooks/{id}/rotate", OWNER, OWNER),
    ("/admin/webhooks/{id}/delete", OWNER, OWNER),
    ("/admin/webhooks/{id}/disable", NO, OWNER),
    ("/admin/webhooks/{id}/enable", NO, OWNER),
    ("/admin/webhooks/{id}/test", NO, OWNER),
    ("/admin/webhooks/{id}/replay", NO, OWNER),
    ("/admin/webhooks/{id}/deliveries/{delivery}", NO, OWNER),
    ("/admin/keys", OWNER, OWNER),
    ("/admin/keys/rotate", OWNER, OWNER),
    ("/admin/keys/{id}/revoke", NO, OWNER),
    ("/admin/staff", OWNER, OWNER),
    ("/admin/staff/{id}", OWNER, NO),
    ("/admin/staff/{id}/role", NO, OWNER),
    ("/admin/staff/{id}/reset", NO, OWNER),
    ("/admin/staff/{id}/end", NO, OWNER),
    ("/admin/settings", OWNER, NO),
    ("/admin/settings/preview", OWNER, NO),
    ("/admin/settings/legal", OWNER, NO),
    ("/admin/settings/legal/{document}", OWNER, OWNER),
    ("/admin/settings/look", OWNER, OWNER),
    ("/admin/settings/look/theme.css", OWNER, NO),
    ("/admin/settings/look/logo", NO, OWNER),
    ("/admin/settings/look/logo/remove", NO, OWNER),
    ("/admin/settings/name", NO, OWNER),
    ("/admin/settings/flow", NO, OWNER),
    ("/admin/settings/threshold", NO, OWNER),
    ("/admin/settings/visibility", NO, OWNER),
    ("/admin/settings/registration", NO, OWNER),
    ("/admin/settings/prices", NO, OWNER),
    ("/admin/settings/packs", NO, OWNER),
    ("/admin/settings/limits", NO, OWNER),
    ("/admin/settings/credit", NO, OWNER),
    ("/admin/settings/offline", NO, OWNER),
    ("/admin/settings/terms", NO, OWNER),
    ("/admin/settings/refunds", NO, OWNER),
    ("/admin/settings/mail", NO, OWNER),
    ("/admin/settings/staff", NO, OWNER),
];

/// What a vendor lacks, a merchant whose buyers have their wallets elsewhere, and a provider that sells nothing: by how the
/// addresses begin.
const NOT_AT_A_VENDOR: &[&str] = &["/admin/merchants", "/admin/requests", "/admin/provider"];
const NOT_AT_A_MERCHANT: &[&str] = &[
    "/admin/merchants",
    "/admin/requests",
    "/admin/top-ups",
    "/admin/vouchers",
    "/admin/coupons",
    "/admin/partners",
    "/admin/agreements",
    "/admin/exchanges",
    "/admin/statements",
    "/admin/settlements",
    "/admin/bank",
];
const NOT_AT_A_PROVIDER: &[&str] = &["/admin/products", "/admin/new-product", "/admin/provider"];

/// Whom the page that refuses somebody names, if it is one.
fn refusal(page: &Page) -> Option<String> {
    let told = page.html.split("Who may: ").nth(1)?.split('.').next()?;
    assert_eq!(page.status, 403, "{}", page.html);
    Some(told.to_owned())
}

/// The owner and these, as a refusal names them.
fn named(beside: &[StaffRole]) -> String {
    let may = StaffRole::ALL.iter().filter(|role| **role == Owner || beside.contains(role));
    may.map(|role| role.as_str().replace('_', " ")).collect::<Vec<_>>().join(", ")
}

/// Sends every member of the staff, and a stranger, to every page and form of this shop's console; gives the routes that it has,
/// those that it lacks, and how often somebody was refused.
async fn tried(shop: &Shop) -> (BTreeSet<&'static str>, BTreeSet<&'static str>, usize) {
    let mut browsers = Vec::new();
    for role in StaffRole::ALL {
        browsers.push((*role, shop.clerk(*role).await.0));
    }
    let mut stranger = Browser::on(shop);
    let (mut here, mut absent, mut refused) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (route, open, send) in REACH {
        let path = filled(route);
        for (form, who) in [(false, open), (true, send)] {
            let page =
                if form { stranger.send(&path, &[]).await } else { stranger.open(&path).await };
            let is_absent = page.status == 404;
            match who {
                Some(_) if is_absent => absent.insert(*route),
                Some(_) => {
                    let to_sign_in = page.location().starts_with("/admin/sign-in");
                    assert!(page.status == 303 && to_sign_in, "{path}: {}", page.status);
                    here.insert(*route)
                }
                None => {
                    assert!([404, 405].contains(&page.status), "{path} {form}: {}", page.status);
                    false
                }
            };
            for (role, browser) in &mut browsers {
                let page =
                    if form { browser.send(&path, &[]).await } else { browser.open(&path).await };
                let told = refusal(&page);
                let what = format!("{role} {path} form {form}: {} {told:?}", page.status);
                match who {
                    None => assert!([404, 405].contains(&page.status), "{what}"),
                    Some(_) if is_absent => assert_eq!(page.status, 404, "{what}"),
                    Some(may) if *role == Owner || may.contains(role) => {
                        assert!(told.is_none() && page.status < 500, "{what}");
                        assert!(![403, 405].contains(&page.status), "{what}");
                    }
                    Some(may) => {
                        assert_eq!(told, Some(named(may)), "{what}");
                        refused += 1;
                    }
                }
            }
        }
    }
    (here, absent, refused)
}

#[tokio::test]
async fn every_page_and_form_is_open_to_whom_it_says_and_to_nobody_else() {
    let table: BTreeSet<_> = REACH.iter().map(|(route, ..)| *route).collect();
    assert_eq!(table, console().into_iter().filter(|route| !is_own(route)).collect());
    // Whoever may only look changes nothing: there is no form that takes it.
    let looks = REACH.iter().filter(|(_, _, send)| send.is_some_and(|may| may.contains(&ReadOnly)));
    assert_eq!(looks.map(|(route, ..)| *route).collect::<Vec<_>>(), ["/admin/licenses/find"]);
    let (vendor, world) = (Shop::open().await, World::open().await);
    let (merchant, _provider) = Shop::merchant(settings()).await;
    let mut seen = BTreeSet::new();
    for (shop, lacks) in [
        (&vendor, NOT_AT_A_VENDOR),
        (&merchant, NOT_AT_A_MERCHANT),
        (&world.pay, NOT_AT_A_PROVIDER),
    ] {
        let (here, absent, refused) = tried(shop).await;
        let lacking = |route: &&str| lacks.iter().any(|start| route.starts_with(start));
        assert_eq!(absent, table.iter().copied().filter(lacking).collect());
        assert!(here.is_disjoint(&absent) && refused > 200, "{refused}");
        seen.extend(here);
    }
    assert_eq!(seen, table, "each is somewhere");
}

#[tokio::test]
async fn no_list_is_asked_for_what_no_database_has() {
    let shop = Shop::open().await;
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let names = [
        "q", "after", "subject", "account", "order", "state", "partner", "as", "done", "saved",
        "from", "to", "format", "method", "purpose", "days", "accent",
    ];
    let (mut asked, mut told) = (0, 0);
    for route in console() {
        let path = filled(route);
        let plain = owner.open(&path).await;
        if plain.status != 200 || !plain.html.starts_with("<!DOCTYPE html>") {
            continue;
        }
        for name in names {
            let page = owner.open(&format!("{path}?{name}=%00")).await;
            assert!([200, 400].contains(&page.status), "{path} {name}: {}", page.html);
            assert!(page.html.starts_with("<!DOCTYPE html>"), "{path} {name}: {}", page.html);
            asked += 1;
            told += usize::from(page.status == StatusCode::BAD_REQUEST.as_u16());
        }
    }
    assert!(asked > 300 && told > 100, "{asked} {told}");
    for path in [
        "/admin/products?q=%00",
        "/admin/orders?q=a%00",
        "/admin/accounts?q=%00",
        "/admin/audit?subject=%00",
    ] {
        let page = owner.open(path).await;
        assert_eq!(page.status, 400, "{path}");
        says(&page.html, &["a text without NUL in it"]);
    }
    let page = owner.send("/admin/licenses/find", &[("text", "a\0")]).await;
    assert!(page.status < 500, "{}", page.html);
}

#[tokio::test]
async fn a_look_is_seen_before_it_holds() {
    let shop = Shop::open().await;
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let at = "/admin/settings/look";
    let fields = [
        ("look.accent", "#a01040"),
        ("look.tagline", "Instruments for the field"),
        ("look.introduction", "We make *small* tools.<script>"),
        ("look.footer", "Port Aurora"),
    ];
    let page = owner.send(at, &[&fields[..], &[("act", "preview")]].concat()).await;
    assert_eq!(page.status, 200, "{}", page.html);
    says(
        &page.html,
        &["Not saved yet", "We make <em>small</em> tools.", "theme.css?accent=%23a01040"],
    );
    silent(&page.html, &["<script>"]);
    let sheet = owner.open(&format!("{at}/theme.css?accent=%23a01040")).await;
    assert_eq!(
        (sheet.status, sheet.answer.header("content-type")),
        (200, "text/css; charset=utf-8")
    );
    says(&sheet.html, &["--accent:#a01040"]);
    silent(&Browser::on(&shop).open("/").await.html, &["Instruments for the field", "theme.css"]);
    let page = owner.send(at, &fields).await;
    assert_eq!((page.status, page.location()), (303, "/admin/settings/look?done=saved"));
    let home = Browser::on(&shop).open("/").await;
    says(
        &home.html,
        &["Instruments for the field", "<em>small</em>", "Port Aurora", "/theme.css?"],
    );
    let page = owner.open("/admin").await;
    says(&page.html, &["<link rel=\"stylesheet\" href=\"/theme.css?"]);
    let door = Browser::on(&shop).open("/admin/sign-in").await;
    says(&door.html, &["/theme.css?", "href=\"/icon.svg?a0104041\""]);
    let icon = Browser::on(&shop).open("/icon.svg?a0104041").await;
    says(&icon.html, &["fill=\"#a01040\"", ">A</text>"]);
    assert_eq!(Browser::on(&shop).open("/favicon.ico").await.location(), "/icon.svg");
    for (field, value) in
        [("look.accent", "red"), ("look.tagline", &*"x".repeat(201)), ("look.language", "tlh")]
    {
        let page = owner.send(at, &[(field, value)]).await;
        assert_eq!(page.status, 400, "{field}");
        says(&page.html, &[&format!("id=\"{field}-error\""), "Nothing was done yet."]);
    }
    let log = shop.get("/v1/admin/audit?limit=1", &shop.admin).await.json;
    assert_eq!(log["data"][0]["changes"]["look"]["to"]["accent"], "#a01040", "{log}");
}

#[tokio::test]
async fn a_logo_is_put_on_every_page_and_taken_off() {
    let shop = Shop::open().await;
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let at = "/admin/settings/look/logo";
    let fields = [("alt", "A star")];
    let star = bytes(300);
    let page = owner.upload(at, &fields, &[("logo", "star.svg", "image/svg+xml", &star)]).await;
    assert_eq!(page.status, 400, "{}", page.html);
    says(&page.html, &["a PNG, JPEG, WebP, AVIF or GIF picture"]);
    let page = owner.upload(at, &fields, &[("logo", "star.png", "image/png", &star)]).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/admin/settings/look?done=logo"),
        "{}",
        page.html
    );
    for page in [owner.open("/admin").await, Browser::on(&shop).open("/").await] {
        says(&page.html, &["<img src=\"/logo?"]);
    }
    assert_eq!(Browser::on(&shop).open("/logo").await.status, 200);
    let page = owner.send("/admin/settings/look/logo/remove", &[]).await;
    assert_eq!(page.location(), "/admin/settings/look?done=removed");
    silent(&owner.open("/admin").await.html, &["<img src=\"/logo?"]);
}

#[tokio::test]
async fn a_legal_text_is_seen_published_and_stays() {
    let shop = Shop::open().await;
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let at = "/admin/settings/legal/terms";
    says(
        &owner.open("/admin/settings/legal").await.html,
        &["None yet", "Terms of sale", "Imprint"],
    );
    let text = ("text", "# Sold\r\n\r\nAs *described*.<script>");
    let page = owner.send(at, &[text, ("act", "preview")]).await;
    says(&page.html, &["Not published yet", "<em>described</em>"]);
    silent(&page.html, &["<script>"]);
    assert_eq!(Browser::on(&shop).open("/terms/terms").await.status, 404, "nothing is in force");
    let page = owner.send(at, &[text, ("version", "1")]).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/admin/settings/legal?done=published"),
        "{}",
        page.html
    );
    let shown = Browser::on(&shop).open("/terms/terms").await;
    says(&shown.html, &["Version 1", "<em>described</em>"]);
    says(&owner.open(at).await.html, &["As *described*."]);
    let page = owner.send(at, &[("text", "Otherwise."), ("version", "1")]).await;
    assert_eq!(page.status, 409, "{}", page.html);
    says(&page.html, &["id=\"version-error\"", "Otherwise."]);
    let page = owner.send(at, &[("text", " ")]).await;
    assert_eq!(page.status, 400, "{}", page.html);
    says(&page.html, &["id=\"text-error\""]);
    let page = owner.send(at, &[("text", "Otherwise.")]).await;
    assert_eq!(page.status, 303);
    says(
        &Browser::on(&shop).open("/terms/terms?version=1").await.html,
        &["This is an earlier version."],
    );
    assert_eq!(owner.open("/admin/settings/legal/poems").await.status, 404);
    let settings = shop.get("/v1/admin/settings", &shop.admin).await;
    assert_eq!(settings.at("/terms_version"), "2026-11-22", "what orders accept");
}
