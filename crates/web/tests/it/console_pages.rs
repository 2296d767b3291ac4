//! What holds for every page of the console, by the list of its routes; and its pages about the look and the legal texts.

use http::StatusCode;
use scrip_domain::staff::{Power, StaffRole};
use scrip_testkit::{Browser, Page, Shop};

use crate::desk::{says, silent};
use crate::goods::bytes;
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
    ["/admin/me", "/admin/sign-", "/admin/welcome"].iter().any(|own| route.starts_with(own))
}

/// The powers whose refusal a page may be: whoever is refused is told who may.
fn refusal(role: StaffRole, page: &Page) -> Option<Vec<StaffRole>> {
    let told = page.html.split("Who may: ").nth(1)?.split('.').next()?.to_owned();
    assert_eq!(page.status, 403, "{role}: {}", page.html);
    let of = |power: &&Power| {
        let names: Vec<_> = power.roles().map(|role| role.as_str().replace('_', " ")).collect();
        names.join(", ") == told
    };
    let power = Power::ALL.iter().find(of).unwrap_or_else(|| panic!("{told}"));
    Some(power.roles().collect())
}

#[tokio::test]
async fn every_page_and_form_is_open_to_whom_it_says_and_to_nobody_else() {
    let shop = Shop::open().await;
    let mut browsers = Vec::new();
    for role in StaffRole::ALL {
        browsers.push((*role, shop.clerk(*role).await.0));
    }
    let mut stranger = Browser::on(&shop);
    let mut refused = 0;
    for route in console().into_iter().filter(|route| !is_own(route)) {
        let path = filled(route);
        for form in [false, true] {
            let mut answers = Vec::new();
            for (role, browser) in &mut browsers {
                let page =
                    if form { browser.send(&path, &[]).await } else { browser.open(&path).await };
                assert!(page.status < 500, "{role} {path}: {}", page.html);
                answers.push((*role, refusal(*role, &page), page.status));
            }
            let may = answers.iter().find_map(|(_, may, _)| may.clone());
            for (role, told, status) in &answers {
                let allowed = may.as_ref().is_none_or(|may| may.contains(role));
                assert_eq!(told.is_none(), allowed, "{role} {path} form {form}: {status}");
                // Whoever may only look changes nothing: there is no form that takes it.
                let looks = *role == StaffRole::ReadOnly && form;
                let finds = path == "/admin/licenses/find";
                let gone = [404, 405].contains(status);
                assert!(!looks || finds || told.is_some() || gone, "{role} {path}: {status}");
                refused += usize::from(told.is_some());
            }
            let page =
                if form { stranger.send(&path, &[]).await } else { stranger.open(&path).await };
            let to_sign_in = page.status == 303 && page.location().starts_with("/admin/sign-in");
            assert!(to_sign_in || [404, 405].contains(&page.status), "{path}: {}", page.status);
        }
    }
    assert!(refused > 200, "{refused}");
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
    says(&door.html, &["/theme.css?"]);
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
