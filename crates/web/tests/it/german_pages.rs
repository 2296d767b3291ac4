//! Pages in another language than English: a whole purchase, the choice, what is refused, and what caches may keep.

use scrip_domain::language::Language;
use scrip_testkit::{Browser, Page, Shop, settings};

use crate::licensed::buy;

const PASSWORD: (&str, &str) = ("password", "correct horse");

#[track_caller]
fn says(page: &Page, status: u16, told: &[&str]) {
    assert_eq!(page.status, status, "{}", page.html);
    assert!(page.html.contains("<html lang=\"de\">"), "{}", page.html);
    for told in told {
        assert!(page.html.contains(told), "{told}: {}", page.html);
    }
    // Words that hardly a sentence is without.
    for english in
        [" the ", " you ", "You ", " your ", "Your ", " is ", " are ", " with ", "Nothing"]
    {
        assert!(!page.html.contains(english), "{english}: {}", page.html);
    }
}

fn link(page: &Page, beginning: &str) -> String {
    let rest = page.html.split(&format!("href=\"{beginning}")).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("no {beginning}: {}", page.html));
    format!("{beginning}{}", rest.split('"').next().unwrap()).replace("&amp;", "&")
}

#[track_caller]
fn leads(page: &Page, beginning: &str) -> String {
    let to = page.location().to_owned();
    assert!(page.status == 303 && to.starts_with(beginning), "{} {to} {}", page.status, page.html);
    to
}

#[tokio::test]
async fn a_whole_purchase_speaks_german() {
    let shop = Shop::open().await;
    let (tuning, strings) = (shop.service("tuning", 250).await, shop.service("strings", 99).await);
    let mut browser = Browser::on(&shop).reading("de-AT,de;q=0.9,en;q=0.5");
    says(&browser.open("/").await, 200, &["So kaufen Sie", "Warenkorb", "2,50 AUR"]);
    says(&browser.open("/products").await, 200, &["Sortieren", "Neu", "0,99 AUR"]);
    let product = browser.open("/products/tuning").await;
    says(&product, 200, &["2,50 AUR", "≈ 2,50 EUR", "In den Warenkorb"]);
    for (offer, quantity) in [(&tuning, "2"), (&strings, "1")] {
        let form = [("offer", offer.as_str()), ("quantity", quantity)];
        leads(&browser.send("/cart", &form).await, "/cart");
    }
    let cart = browser.open("/cart").await;
    says(&cart, 200, &["Ihr Warenkorb", "5,00 AUR", "≈ 5,99 EUR", "Zur Kasse", "Menge"]);

    let key = cart.input("key").to_owned();
    let asked = browser.send("/checkout", &[("key", &key)]).await;
    says(&asked, 200, &["Anmelden oder Konto eröffnen", "Im Warenkorb: 3 Artikel."]);
    let form = browser.open(&link(&asked, "/register?next=")).await;
    says(&form, 200, &["Konto eröffnen", "Mindestens 8 Zeichen.", "Passwort"]);
    let next = form.input("next").replace("&amp;", "&");
    let form = [("email", "ada@example.com"), PASSWORD, ("next", next.as_str())];
    let on = leads(&browser.send("/register", &form).await, "/checkout?key=");

    let short = browser.open(&on).await;
    says(&short, 402, &["Zum Bezahlen aufladen", "Es fehlen", "5,99 AUR aufladen"]);
    let add_at = link(&short, "/wallet/top-up?");
    assert!(add_at.starts_with("/wallet/top-up?tokens=5.99&"), "a link is for programs: {add_at}");
    let page = browser.open(&add_at).await;
    says(&page, 200, &["Aufladen", "value=\"5,99\"", "5,99 AUR"]);
    let (key, next) = (page.input("key").to_owned(), page.input("next").replace("&amp;", "&"));
    let form = |tokens| {
        [("tokens", tokens), ("way", "demo:demo_approved"), ("key", &*key), ("next", &*next)]
    };
    // A thousand, or one and a bit?
    let unclear = browser.send("/wallet/top-up", &form("1.000")).await;
    says(&unclear, 400, &["Eine Anzahl AUR, zum Beispiel 12,50", "value=\"1.000\""]);
    assert_eq!(leads(&browser.send("/wallet/top-up", &form("1.005,99")).await, "/"), on);

    let checkout = leads(&browser.open(&on).await, "/checkout/ord_");
    let summary = browser.open(&checkout).await;
    says(&summary, 200, &["Bestellung bestätigen", "5,99 AUR bezahlen", "1.000,00 AUR", "UTC"]);
    let order = leads(&browser.send(&checkout, &[]).await, "/orders/ord_");
    let paid = browser.open(&order).await;
    says(&paid, 200, &["Genehmigt", "Code zum Eintippen", "eyJ", "Quittung"]);
    says(&browser.open(&format!("{order}/receipt")).await, 200, &["Quittung", "5,99 AUR"]);
    says(&browser.open("/orders").await, 200, &["Ihre Bestellungen", "Bezahlt"]);
    let library = browser.open("/library").await;
    says(&library, 200, &["Ihre Bibliothek", "Aktiv"]);
    says(&browser.open(&link(&library, "/library/")).await, 200, &["Lizenz", "Code"]);
    for (path, told) in [
        ("/wallet", "1.000,00 AUR"),
        ("/wallet/top-ups", "Ihre Aufladungen"),
        ("/wallet/automatic", "Automatische Aufladung"),
        ("/account", "Ihr Konto"),
        ("/activate", "Gerät aktivieren"),
        ("/cart", "Noch nichts darin"),
    ] {
        says(&browser.open(path).await, 200, &[told]);
    }
    // What programs read is the same for everybody.
    for (path, told) in [("/account/data", "\"1000.00 AUR\""), ("/wallet/statement.csv", "1005.99")]
    {
        let file = browser.open(path).await;
        assert!(
            file.html.contains(told) && !file.html.contains("1.000,00"),
            "{path}: {}",
            file.html
        );
    }
    shop.sound().await;
}

#[tokio::test]
async fn what_goes_back_is_asked_for_in_german() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 100).await;
    let session = shop.buyer("ada@example.com", 1000).await;
    let order = format!("/orders/{}", buy(&shop, &offer, &session, "k").await.order);
    let mut browser = Browser::on(&shop).reading("de");
    let form = [("email", "ada@example.com"), PASSWORD];
    leads(&browser.send("/sign-in", &form).await, "/wallet");
    let ask = link(&browser.open(&order).await, &format!("{order}/refund/"));
    let form = browser.open(&ask).await;
    says(&form, 200, &["Erstattung beantragen", "1,00 AUR kämen", "Abbrechen"]);
    let key = form.input("key").to_owned();
    let good = [("key", key.as_str()), ("reason", "Brummt.")];
    assert_eq!(leads(&browser.send(&ask, &good).await, "/orders/"), format!("{order}#refunds"));
    says(&browser.open(&order).await, 200, &["Wartet auf den Verkäufer"]);
    let again = [("key", "another"), ("reason", "Brummt.")];
    let refused = browser.send(&ask, &again).await;
    says(&refused, 409, &["Dafür haben Sie schon eine Erstattung beantragt"]);
    for (path, told) in [
        ("/wallet/statement", "Erster Tag"),
        ("/account/keys", "Wofür der Schlüssel ist"),
        ("/account/erase", "Ein Antrag auf Erstattung ist noch offen."),
    ] {
        says(&browser.open(path).await, 200, &[told]);
    }
}

#[tokio::test]
async fn who_chooses_a_language_keeps_it() {
    let shop = Shop::open().await;
    let mut browser = Browser::on(&shop).reading("en-GB, de;q=0.5");
    let page = browser.open("/products?q=tide").await;
    assert!(
        page.html.contains("<html lang=\"en\">") && page.html.contains("Search products"),
        "{}",
        page.html
    );
    for part in ["action=\"/language\"", "lang=\"de\">Deutsch<", "value=\"/products?q=tide\""] {
        assert!(page.html.contains(part), "{part}: {}", page.html);
    }
    let choice = |language, next| [("language", language), ("next", next)];
    let german = choice("de", "/products?q=tide");
    let elsewhere = browser.send_from("cross-site", "/language", &german).await;
    assert_eq!((elsewhere.status, elsewhere.answer.header("set-cookie")), (403, ""));
    let unknown = browser.send("/language", &choice("fr", "/")).await;
    assert_eq!((unknown.status, unknown.answer.header("set-cookie")), (400, ""));

    let chosen = browser.send("/language", &german).await;
    assert_eq!(leads(&chosen, "/"), "/products?q=tide");
    let cookie = chosen.answer.header("set-cookie");
    assert!(cookie.contains("-language-") && cookie.contains("=de; Path=/"), "{cookie}");
    says(&browser.open("/products?q=tide").await, 200, &["Nichts gefunden", ">English<"]);
    assert_eq!(leads(&browser.send("/language", &choice("en", "//evil.example")).await, "/"), "/");
    assert!(browser.open("/").await.html.contains("<html lang=\"en\">"));
}

#[tokio::test]
async fn refusals_are_told_in_german_on_pages_and_nowhere_else() {
    let shop = Shop::open().await;
    let mut browser = Browser::on(&shop).reading("de");
    let refused = browser.send("/register", &[("email", "ada"), PASSWORD]).await;
    says(&refused, 400, &["Das ist keine E-Mail-Adresse", "value=\"ada\"", "Konto eröffnen"]);
    let wrong = browser.send("/sign-in", &[("email", "a@b.example"), PASSWORD]).await;
    says(&wrong, 422, &["Die Adresse oder das Passwort ist falsch."]);
    let nothing = browser.open("/products/nothing").await;
    says(&nothing, 404, &["<h1>Nicht gefunden</h1>"]);
    says(&browser.open("/nowhere").await, 404, &["<h1>Nicht gefunden</h1>", "Hier ist nichts."]);
    let foreign = browser.send_from("cross-site", "/cart", &[("offer", "x")]).await;
    says(&foreign, 403, &["Nicht erlaubt"]);

    let german = [("accept-language", "de")];
    let api = shop.send("GET", "/v1/products/nothing", &german, serde_json::Value::Null).await;
    assert_eq!(
        (api.status, api.at("/title"), api.at("/detail")),
        (404, "Not found", "there is nothing here")
    );
    for path in ["/admin/sign-in", "/docs", "/problems"] {
        let page = browser.open(path).await;
        assert!(page.html.contains("<html lang=\"en\">"), "{path}: {}", page.html);
        assert!(!page.html.contains("Anmelden"), "{path}: {}", page.html);
    }
}

#[tokio::test]
async fn no_cache_shows_one_language_to_another() {
    let shop = Shop::open().await;
    for path in ["/", "/products"] {
        let mut pages = Vec::new();
        for language in ["de", "en"] {
            let page = Browser::on(&shop).reading(language).open(path).await;
            assert_eq!(page.answer.header("cache-control"), "public, max-age=15", "{path}");
            assert_eq!(
                page.answer.header("vary"),
                "Accept-Language, Authorization, Cookie",
                "{path}"
            );
            pages.push(page.html);
        }
        assert_ne!(pages.first(), pages.last(), "{path}");
    }
    // The same for all, whoever asks.
    let page = Browser::on(&shop).reading("de").open("/problems").await;
    assert_eq!(page.answer.header("cache-control"), "public, max-age=300");
    assert_eq!(page.html, Browser::on(&shop).open("/problems").await.html);
}

#[tokio::test]
async fn the_vendors_language_is_for_who_asks_for_none_that_there_is() {
    let mut german = settings();
    german.look.language = Language::German;
    let shop = Shop::open_with(german).await;
    for (asked, language) in [(None, "de"), (Some("fr, it"), "de"), (Some("fr, en;q=0.1"), "en")] {
        let browser = Browser::on(&shop);
        let mut browser = match asked {
            Some(asked) => browser.reading(asked),
            None => browser,
        };
        let page = browser.open("/").await;
        assert!(
            page.html.contains(&format!("<html lang=\"{language}\">")),
            "{asked:?}: {}",
            page.html
        );
    }
    shop.buyer("ada@example.com", 600).await;
    // Who opens an account on an English page is written English letters, until they choose German.
    let mut bob = Browser::on(&shop).reading("en");
    bob.send("/register", &[("email", "bob@example.com"), PASSWORD]).await;
    let subjects: Vec<_> =
        shop.run_mail().await.into_iter().map(|sent| sent.words.subject).collect();
    let expected = [
        "Ihr Konto bei Aurora Instruments",
        "Aufgeladen: 6,00 AUR",
        "Your account with Aurora Instruments",
    ];
    assert_eq!(subjects, expected);
    bob.send("/language", &[("language", "de"), ("next", "/account")]).await;
    // What is changed of the person leaves the language as it is.
    leads(&bob.send("/account", &[("name", "Bob")]).await, "/account");
    let change = [("old", PASSWORD.1), ("new", "battery staple")];
    bob.send("/account/password", &change).await;
    let changed = shop.run_mail().await;
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].words.subject, "Ihr Passwort wurde geändert");
}
