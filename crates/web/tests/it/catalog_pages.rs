//! The catalogue at the console: everything that is sold, through pages alone.

use axum::body::Body;
use bytes::Bytes;
use scrip_domain::settings::{Flow, Settings};
use scrip_domain::staff::StaffRole;
use scrip_domain::visibility::{Level, Visibility};
use scrip_engine::Staff;
use scrip_testkit::{Browser, Page, Shop, multipart, settings};
use serde_json::Value;

use crate::desk::clerk;
use crate::goods::{buy, bytes, hex};

fn goes(page: &Page, to: &str) {
    assert_eq!((page.status, page.location()), (303, to), "{}", page.html);
}

/// The address of a page that tells what was done.
fn told(page: &str, word: &str) -> String {
    format!("{page}?done={word}")
}

const RECORDER: &str = "/admin/products/field-recorder";
const FIRST: &str = "/admin/products/field-recorder/releases/stable/1.0.0";

/// Enters a product, as a draft.
async fn enter(browser: &mut Browser<'_>) {
    let fields =
        [("title", "Field Recorder"), ("kind", "download"), ("summary", "Records fields.")];
    goes(&browser.send("/admin/new-product", &fields).await, &told(RECORDER, "made"));
}

async fn make_release(browser: &mut Browser<'_>) {
    let fields = [("version", "1.0.0"), ("channel", "stable"), ("notes", "The *first*.")];
    goes(&browser.send(&format!("{RECORDER}/new-release"), &fields).await, &told(FIRST, "made"));
}

/// The files of the release, as names and digests.
async fn files(shop: &Shop) -> Vec<(String, String)> {
    let store = shop.app.engine.store();
    let product = store.product_by_slug("field-recorder").await.unwrap().unwrap();
    let release = store.release_by_version(product.id, "1.0.0", "stable").await.unwrap().unwrap();
    let files = store.files_of(release.id).await.unwrap();
    files.into_iter().map(|file| (file.name, file.sha256)).collect()
}

/// How many objects and drafts of objects lie in the shop's folder.
fn objects(shop: &Shop) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(shop.objects()).unwrap() {
        let path = entry.unwrap().path();
        count += if path.is_dir() { std::fs::read_dir(path).unwrap().count() } else { 1 };
    }
    count
}

#[tokio::test]
async fn a_product_is_made_on_pages_and_a_buyer_downloads_the_same_bytes() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    let page = browser.open("/admin/products").await;
    assert!(page.html.contains("Nothing is sold here yet"), "{}", page.html);
    assert!(page.html.contains("href=\"/admin/products\" aria-current=\"page\""), "{}", page.html);
    enter(&mut browser).await;
    let page = browser.open(RECORDER).await;
    for left in
        ["/new-offer\">Add an offer", "/new-release\">Make a release", "/publish\">Publish it"]
    {
        assert!(page.html.contains(left), "{left}: {}", page.html);
    }
    let offer = [("key", "standard"), ("price", "1,00"), ("terms", "perpetual"), ("machines", "3")];
    let made = browser.send(&format!("{RECORDER}/new-offer"), &offer).await;
    goes(&made, &format!("{RECORDER}?done=offer#offers"));
    goes(&browser.send(&format!("{RECORDER}/new-offer"), &offer).await, made.location());
    let page = browser.open(RECORDER).await;
    assert!(page.html.contains("1.00 AUR <small>≈ 1.00 EUR</small>"), "{}", page.html);
    assert!(page.html.contains("3 machines"), "{}", page.html);

    make_release(&mut browser).await;
    // More than a form may have elsewhere, in two files at once.
    let (program, manual) = (bytes(3_500_000), b"%PDF \r\n--no boundary\r\n".as_slice());
    let uploads = [
        ("file", "Übung 1.zip", "application/zip", program.as_slice()),
        ("file", "Manual.pdf", "application/pdf", manual),
    ];
    let page =
        browser.upload(&format!("{FIRST}/files"), &[("platform", "linux-x64")], &uploads).await;
    goes(&page, &told(FIRST, "uploaded"));
    let expected = [("Übung 1.zip".into(), hex(&program)), ("Manual.pdf".into(), hex(manual))];
    assert_eq!(files(&shop).await, expected);
    let page = browser.open(FIRST).await;
    for told in ["Übung 1.zip", "4 MB", "linux-x64", "application/pdf", &hex(&program)] {
        assert!(page.html.contains(told), "{told}: {}", page.html);
    }
    assert!(browser.open(&format!("{FIRST}/publish")).await.html.contains("2 files"));
    goes(&browser.send(&format!("{FIRST}/publish"), &[]).await, &told(FIRST, "published"));
    assert!(browser.open(RECORDER).await.html.contains("What buyers get"));
    let page = browser.send(&format!("{RECORDER}/publish"), &[]).await;
    goes(&page, &told(RECORDER, "published"));
    let page = browser.open(page.location()).await;
    assert!(page.html.contains("Published: the shop has it."), "{}", page.html);
    let page = browser.open(RECORDER).await;
    assert!(!page.html.contains("Before somebody can buy it"), "{}", page.html);

    let product = shop.get("/v1/products/field-recorder", "").await;
    let bought = buy(&shop, product.at("/offers/0/id"), "ada@example.com").await;
    let code = format!("License {}", bought.short);
    for (index, content) in [program.as_slice(), manual].into_iter().enumerate() {
        let path = format!("/v1/downloads/{}", product.at(&format!("/files/{index}/id")));
        let got = shop.send("GET", &path, &[("authorization", &code)], Value::Null).await;
        assert_eq!(got.status, 200, "{got:?}");
        assert!(got.bytes == content);
    }
    shop.sound().await;
}

#[tokio::test]
async fn who_did_it_is_on_record() {
    let shop = Shop::open().await;
    let (mut browser, member) = shop.clerk(StaffRole::Catalogue).await;
    enter(&mut browser).await;
    make_release(&mut browser).await;
    let file = [("file", "a.zip", "application/zip", b"a".as_slice())];
    browser.upload(&format!("{FIRST}/files"), &[], &file).await;
    let audit = shop.get("/v1/admin/audit", &shop.admin).await;
    let entries = audit.json["data"].as_array().unwrap();
    for act in ["product.entered", "release.entered", "release.changed"] {
        let entry = entries.iter().find(|entry| entry["act"] == act).unwrap();
        assert_eq!(entry["actor"], member.id.to_string(), "{entry}");
    }
}

#[tokio::test]
async fn a_product_keeps_what_was_typed_until_every_field_is_right() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    let long = "x".repeat(501);
    let many: String = (0..21).map(|tag| format!("tag{tag},")).collect();
    let all = [("title", "A \"good\" <title>"), ("kind", "service"), ("description", "\n# Kept")];
    for (field, value) in [
        ("title", " "),
        ("slug", "No Slug"),
        ("kind", "gold"),
        ("summary", long.as_str()),
        ("description", "a\u{0}b"),
        ("instructions", "a\u{7}b"),
        ("categories", "a\u{7}b, c"),
        ("tags", &many),
        ("see_product", "gods"),
        ("see_price", "gods"),
        ("see_description", "gods"),
        ("see_pictures", "gods"),
        ("see_files", "gods"),
        ("see_release_notes", "gods"),
    ] {
        let mut fields: Vec<_> = all.into_iter().filter(|(name, _)| *name != field).collect();
        fields.push((field, value));
        let page = browser.send("/admin/new-product", &fields).await;
        assert_eq!(page.status, 400, "{field}: {}", page.html);
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{field}: {}", page.html);
        let title = field != "title";
        assert_eq!(
            page.html.contains("value=\"A &quot;good&quot; &lt;title&gt;\""),
            title,
            "{field}"
        );
        let description = field != "description";
        assert_eq!(page.html.contains(">\n\n# Kept</textarea>"), description, "{field}");
    }
    assert!(browser.open("/admin/products").await.html.contains("Nothing is sold here yet"));
    enter(&mut browser).await;
    // Pressed twice, it is the same product; another one of this name is not.
    enter(&mut browser).await;
    let page = browser
        .send("/admin/new-product", &[("title", "Field recorder"), ("kind", "download")])
        .await;
    assert_eq!(page.status, 409);
    assert!(page.html.contains("id=\"slug-error\""), "{}", page.html);
}

#[tokio::test]
async fn texts_are_previewed_and_nothing_is_saved() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    let form = [
        ("title", "Tool"),
        ("kind", "download"),
        ("description", "A *fine* <script>x</script>"),
        ("act", "preview"),
    ];
    let page = browser.send("/admin/new-product", &form).await;
    assert_eq!(page.status, 200);
    assert!(page.html.contains("A <em>fine</em> &lt;script&gt;"), "{}", page.html);
    assert!(page.html.contains("value=\"Tool\""), "{}", page.html);
    assert!(browser.open("/admin/products").await.html.contains("Nothing is sold here yet"));
}

#[tokio::test]
async fn a_product_is_changed_renamed_and_taken_off_sale() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Owner).await;
    enter(&mut browser).await;
    let edit = format!("{RECORDER}/edit");
    let page = browser.open(&edit).await;
    assert!(page.html.contains("value=\"Records fields.\""), "{}", page.html);
    let fields = [
        ("title", "Recorder"),
        ("slug", "recorder"),
        ("kind", "download"),
        ("categories", "Tools, Sound"),
        ("tags", "wav"),
        ("see_price", "member"),
    ];
    goes(&browser.send(&edit, &fields).await, &told("/admin/products/recorder", "saved"));
    assert_eq!(browser.open(RECORDER).await.status, 404);
    let page = browser.open("/admin/products/recorder").await;
    for told in ["Tools, Sound", "wav", "price: members"] {
        assert!(page.html.contains(told), "{told}: {}", page.html);
    }
    let product = shop.app.engine.store().product_by_slug("recorder").await.unwrap().unwrap();
    assert_eq!(product.visibility.price, Some(Level::Member));
    let (publish, archive) =
        ("/admin/products/recorder/publish", "/admin/products/recorder/archive");
    assert!(browser.open(publish).await.html.contains("It has no offer"));
    browser.send(publish, &[]).await;
    assert_eq!(shop.get("/v1/products/recorder", "").await.status, 200);
    assert!(browser.open(archive).await.html.contains("Its owners keep it"));
    goes(&browser.send(archive, &[]).await, &told("/admin/products/recorder", "archived"));
    assert_eq!(shop.get("/v1/products/recorder", "").await.status, 404);
    assert!(browser.open("/admin/products/recorder").await.html.contains("Publish it again"));
}

#[tokio::test]
async fn products_are_found_by_words_and_by_name_and_listed_in_pages() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::ReadOnly).await;
    for number in 0..26 {
        shop.service(&format!("tuning-{number}"), 250).await;
    }
    let page = browser.open("/admin/products").await;
    assert!(page.html.contains("/admin/products/tuning-25\""), "{}", page.html);
    assert!(
        !page.html.contains("/admin/products/tuning-0\"") && !page.html.contains("New product")
    );
    let next = page.html.split("href=\"/admin/products?after=").nth(1).unwrap();
    let next = next.split('"').next().unwrap();
    let page = browser.open(&format!("/admin/products?after={next}")).await;
    assert!(page.html.contains("/admin/products/tuning-0\""), "{}", page.html);
    assert_eq!(browser.open("/admin/products?after=x").await.status, 404);
    goes(&browser.open("/admin/products?q=tuning-7").await, "/admin/products/tuning-7");
    let page = browser.open("/admin/products?q=tuning").await;
    assert!(page.html.contains("Published products with “tuning”"), "{}", page.html);
    let page = browser.open("/admin/products?q=nothing+like+it").await;
    assert!(page.html.contains("Nothing is found"), "{}", page.html);
    let long = format!("/admin/products?q={}", "x".repeat(201));
    assert_eq!(browser.open(&long).await.status, 400);
}

#[tokio::test]
async fn an_offer_says_what_is_wrong_and_reads_only_what_its_terms_need() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    enter(&mut browser).await;
    let to = format!("{RECORDER}/new-offer");
    let good = [("key", "rental"), ("price", "2.50"), ("terms", "rental"), ("rental_length", "30")];
    for (terms, field, value) in [
        ("rental", "key", "No Key"),
        ("rental", "price", "many"),
        ("rental", "price", "1.234"),
        ("rental", "terms", "gold"),
        ("rental", "rental_length", "soon"),
        ("rental", "rental_length", "0"),
        ("rental", "rental_length", "99999999999999"),
        ("uses", "uses", "0"),
        ("uses", "uses", ""),
        ("processings", "processings", "-1"),
        ("processings", "unit", "No Unit"),
        ("trial", "trial_length", "x"),
        ("rental", "machines", "0"),
        ("rental", "downloads", "x"),
        ("rental", "moves", "-1"),
        ("rental", "offline_days", "4000"),
    ] {
        let mut fields: Vec<_> =
            good.into_iter().filter(|(name, _)| *name != field && *name != "terms").collect();
        fields.extend(
            [("terms", terms), ("processings", "5")].into_iter().filter(|(name, _)| *name != field),
        );
        fields.push((field, value));
        let page = browser.send(&to, &fields).await;
        assert_eq!(page.status, 400, "{terms} {field}={value}: {}", page.html);
        let marked = page.html.contains(&format!("id=\"{field}-error\""));
        let told = field == "terms" && page.html.contains("Choose one of these");
        assert!(marked || told, "{terms} {field}={value}: {}", page.html);
        if field != "key" {
            assert_eq!(page.input("key"), "", "the value stands in an input of its own");
            assert!(page.html.contains("value=\"rental\""), "{}", page.html);
        }
    }
    let mut fields = good.to_vec();
    // Nothing of this belongs to a rental.
    fields.extend([
        ("uses", "x"),
        ("unit", "No Unit"),
        ("trial_length", ""),
        ("rental_unit", "days"),
    ]);
    fields.push(("rental_from", "first_activation"));
    goes(&browser.send(&to, &fields).await, &format!("{RECORDER}?done=offer#offers"));
    let page = browser.open(RECORDER).await;
    assert!(page.html.contains("For 30 days from its first use"), "{}", page.html);
    let taken =
        browser.send(&to, &[("key", "rental"), ("price", "1"), ("terms", "perpetual")]).await;
    assert!(taken.html.contains("id=\"key-error\""), "{}", taken.html);
}

#[tokio::test]
async fn an_offer_is_changed_retired_and_offered_again() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    enter(&mut browser).await;
    let offer = [("key", "uses"), ("price", "2"), ("terms", "uses"), ("uses", "10")];
    browser.send(&format!("{RECORDER}/new-offer"), &offer).await;
    let at = format!("{RECORDER}/offers/uses");
    let page = browser.open(&at).await;
    assert!(page.html.contains("This is worth 2.00 EUR."), "{}", page.html);
    let page = browser.send(&at, &[("price", "much"), ("terms", "uses"), ("uses", "20")]).await;
    assert_eq!(page.status, 400);
    assert!(page.html.contains("value=\"much\"") && page.html.contains("value=\"20\""));
    goes(
        &browser.send(&at, &[("price", "3"), ("terms", "uses"), ("uses", "20")]).await,
        &format!("{RECORDER}?done=offer#offers"),
    );
    let page = browser.open(RECORDER).await;
    assert!(page.html.contains("20 uses") && page.html.contains("3.00 AUR"), "{}", page.html);
    assert!(browser.open(&format!("{at}/retire")).await.html.contains("Retire this offer?"));
    goes(
        &browser.send(&format!("{at}/retire"), &[]).await,
        &format!("{RECORDER}?done=retired#offers"),
    );
    let page = browser.open(&at).await;
    assert!(page.html.contains("Saving it offers it again"), "{}", page.html);
    browser.send(&at, &[("price", "3"), ("terms", "uses"), ("uses", "20")]).await;
    assert!(!browser.open(RECORDER).await.html.contains("Retired"));
    for path in ["/offers/nothing", "/offers/nothing/retire", "/releases/stable/9"] {
        assert_eq!(browser.open(&format!("{RECORDER}{path}")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_bundle_is_made_of_other_offers_and_never_changes() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    shop.service("tuning", 250).await;
    shop.service("tea", 100).await;
    let fields = [("title", "Both"), ("kind", "bundle")];
    goes(&browser.send("/admin/new-product", &fields).await, &told("/admin/products/both", "made"));
    let to = "/admin/products/both/new-offer";
    let page = browser.open(to).await;
    let name = page.html.split("<code>tuning/").nth(1).unwrap().split('<').next().unwrap();
    let items = format!("tuning/{name}\r\ntea/{name}");
    let page = browser.send(to, &[("key", "all"), ("price", "3"), ("items", "tuning/none")]).await;
    assert_eq!(page.status, 400);
    assert!(page.html.contains("id=\"items-error\""), "{}", page.html);
    let made = browser.send(to, &[("key", "all"), ("price", "3"), ("items", &items)]).await;
    goes(&made, "/admin/products/both?done=offer#offers");
    let at = "/admin/products/both/offers/all";
    let made = browser.send(at, &[("price", "2.75"), ("items", "tea/other")]).await;
    goes(&made, "/admin/products/both?done=offer#offers");
    let page = browser.open(at).await;
    assert!(page.html.contains(&format!("tuning/{name}")), "{}", page.html);
    assert!(page.html.contains("value=\"2.75\""), "{}", page.html);
}

#[tokio::test]
async fn a_release_says_what_is_wrong_with_it() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    enter(&mut browser).await;
    let to = format!("{RECORDER}/new-release");
    for (field, value) in [("version", "1/2"), ("channel", "No Channel"), ("notes", "a\u{0}")] {
        let mut fields = vec![("version", "7.7"), ("channel", "beta"), ("notes", "# Kept")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let page = browser.send(&to, &fields).await;
        assert_eq!(page.status, 400, "{field}: {}", page.html);
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{field}: {}", page.html);
        assert_eq!(page.html.contains("# Kept</textarea>"), field != "notes", "{field}");
    }
    make_release(&mut browser).await;
    make_release(&mut browser).await;
    let page = browser.send(&to, &[("version", "1.0.0"), ("channel", "stable")]).await;
    assert!(page.html.contains("The channel has this version"), "{}", page.html);
    let page = browser.send(FIRST, &[("notes", "b\u{0}")]).await;
    assert_eq!(page.status, 400);
    assert!(page.html.contains("id=\"notes-error\""), "{}", page.html);
    goes(&browser.send(FIRST, &[("notes", "Better")]).await, &told(FIRST, "saved"));
    assert!(browser.open(FIRST).await.html.contains("Better</textarea>"));
}

#[tokio::test]
async fn an_upload_names_what_is_wrong_and_a_published_release_takes_none() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    enter(&mut browser).await;
    make_release(&mut browser).await;
    let to = format!("{FIRST}/files");
    let good = ("file", "a.zip", "application/zip", b"a".as_slice());
    let long = "x".repeat(41);
    for (fields, file, field) in [
        (("platform", long.as_str()), good, "platform"),
        (("media_type", "zip"), good, "media_type"),
        (("platform", "linux"), ("file", "..", "application/zip", b"a".as_slice()), "file"),
        (("platform", "linux"), ("file", "", "application/octet-stream", b"".as_slice()), "file"),
    ] {
        let page = browser.upload(&to, &[fields], &[file]).await;
        assert_eq!(page.status, 400, "{field}: {}", page.html);
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{field}: {}", page.html);
        assert!(page.html.contains(&format!("value=\"{}\"", fields.1)), "{field}: {}", page.html);
    }
    let page = browser.upload(&to, &[("platform", &"x".repeat(2000))], &[good]).await;
    assert_eq!(page.status, 413);
    assert_eq!((files(&shop).await.len(), objects(&shop)), (0, 0));
    goes(
        &browser.upload(&to, &[("media_type", "application/x-tool")], &[good]).await,
        &told(FIRST, "uploaded"),
    );
    // The same name again is the file anew.
    let anew = ("file", "A.zip", "application/zip", b"b".as_slice());
    goes(&browser.upload(&to, &[], &[anew]).await, &told(FIRST, "uploaded"));
    assert_eq!(files(&shop).await, [("A.zip".to_owned(), hex(b"b"))]);
    goes(
        &browser.send(&format!("{to}/remove"), &[("name", "A.zip")]).await,
        &told(FIRST, "removed"),
    );
    assert_eq!(files(&shop).await, []);
    browser.upload(&to, &[], &[good]).await;
    browser.send(&format!("{FIRST}/publish"), &[]).await;
    let page = browser.open(FIRST).await;
    assert!(!page.html.contains("type=\"file\""), "{}", page.html);
    let page = browser.upload(&to, &[], &[anew]).await;
    assert_eq!(page.status, 409);
    assert!(page.html.contains("make a new version"), "{}", page.html);
    assert_eq!(browser.send(&format!("{to}/remove"), &[("name", "a.zip")]).await.status, 409);
    assert_eq!(files(&shop).await, [("a.zip".to_owned(), hex(b"a"))]);
    shop.sound().await;
}

#[tokio::test]
async fn an_upload_that_breaks_leaves_nothing_and_is_sent_again() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    enter(&mut browser).await;
    make_release(&mut browser).await;
    let to = format!("{FIRST}/files");
    let content = bytes(3_000_000);
    let file = ("file", "a.zip", "application/zip", content.as_slice());
    let whole = multipart(&[("platform", "linux")], &[file]);
    // It ends early, or with an error of the connection.
    let cut = Body::from(whole[..2_500_000].to_vec());
    let page = browser.send_parts("same-origin", &to, cut).await;
    assert_eq!(page.status, 400);
    assert!(page.html.contains("did not arrive whole"), "{}", page.html);
    let pieces: Vec<_> =
        whole[..2_500_000].chunks(70_001).map(Bytes::copy_from_slice).map(Ok).collect();
    let broken = pieces.into_iter().chain([Err(std::io::Error::other("reset"))]);
    let broken = Body::from_stream(futures_util::stream::iter(broken));
    assert_eq!(browser.send_parts("same-origin", &to, broken).await.status, 400);
    assert_eq!((files(&shop).await.len(), objects(&shop)), (0, 0));
    let pieces: Vec<_> =
        whole.chunks(70_001).map(Bytes::copy_from_slice).map(Ok::<_, std::io::Error>).collect();
    let again = Body::from_stream(futures_util::stream::iter(pieces));
    goes(&browser.send_parts("same-origin", &to, again).await, &told(FIRST, "uploaded"));
    assert_eq!(files(&shop).await, [("a.zip".to_owned(), hex(&content))]);
}

#[tokio::test]
async fn files_that_come_side_by_side_all_come_in() {
    let shop = Shop::open().await;
    let mut first = clerk(&shop, StaffRole::Catalogue).await;
    enter(&mut first).await;
    make_release(&mut first).await;
    let mut others = [clerk(&shop, StaffRole::Owner).await];
    let to = format!("{FIRST}/files");
    let (a, b) = (bytes(200_000), bytes(200_001));
    let (one, two) = (
        [("file", "a.zip", "application/zip", a.as_slice())],
        [("file", "b.zip", "application/zip", b.as_slice())],
    );
    let (one, two) = tokio::join!(first.upload(&to, &[], &one), others[0].upload(&to, &[], &two));
    goes(&one, &told(FIRST, "uploaded"));
    goes(&two, &told(FIRST, "uploaded"));
    assert_eq!(files(&shop).await.len(), 2);
}

#[tokio::test]
async fn an_upload_of_another_site_or_of_another_kind_is_refused() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    enter(&mut browser).await;
    make_release(&mut browser).await;
    let form = || Body::from(multipart(&[], &[("file", "a.zip", "application/zip", b"a")]));
    for to in [format!("{FIRST}/files"), format!("{RECORDER}/pictures")] {
        for site in ["cross-site", "same-site"] {
            let page = browser.send_parts(site, &to, form()).await;
            assert_eq!(page.status, 403, "{site} {to}");
            assert!(page.html.contains("This form was sent from another site"), "{}", page.html);
        }
        let page = browser.send(&to, &[("file", "a")]).await;
        assert_eq!(page.status, 415, "{to}: {}", page.html);
    }
    assert_eq!((files(&shop).await.len(), objects(&shop)), (0, 0));
    let form = [("title", "Other"), ("kind", "download")];
    assert_eq!(browser.send_from("cross-site", "/admin/new-product", &form).await.status, 403);
}

#[tokio::test]
async fn who_lacks_the_power_looks_and_changes_nothing() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    enter(&mut browser).await;
    make_release(&mut browser).await;
    let posts = [
        "/admin/new-product".to_owned(),
        format!("{RECORDER}/edit"),
        format!("{RECORDER}/publish"),
        format!("{RECORDER}/archive"),
        format!("{RECORDER}/new-offer"),
        format!("{RECORDER}/offers/standard"),
        format!("{RECORDER}/offers/standard/retire"),
        format!("{RECORDER}/new-release"),
        FIRST.to_owned(),
        format!("{FIRST}/publish"),
        format!("{FIRST}/files/remove"),
        format!("{RECORDER}/pictures/change"),
    ];
    let uploads = [format!("{FIRST}/files"), format!("{RECORDER}/pictures")];
    let asks = ["/edit", "/publish", "/archive", "/new-offer", "/new-release", "/pictures"];
    for role in [StaffRole::Finance, StaffRole::Support, StaffRole::ReadOnly] {
        let mut other = clerk(&shop, role).await;
        for to in &posts {
            assert_eq!(other.send(to, &[("title", "x")]).await.status, 403, "{role} {to}");
        }
        for to in &uploads {
            let file = [("file", "a.zip", "application/zip", b"a".as_slice())];
            assert_eq!(other.upload(to, &[], &file).await.status, 403, "{role} {to}");
        }
        for ask in asks {
            assert_eq!(other.open(&format!("{RECORDER}{ask}")).await.status, 403, "{role} {ask}");
        }
        for look in ["/admin/products", RECORDER, FIRST, &format!("{RECORDER}/preview")] {
            let page = other.open(look).await;
            assert_eq!(page.status, 200, "{role} {look}");
            for way in [
                "/edit\"",
                "/new-",
                "type=\"file\"",
                "/publish\"",
                "method=\"post\" action=\"/admin/products",
            ] {
                assert!(!page.html.contains(way), "{role} {look} {way}: {}", page.html);
            }
        }
    }
    let mut stranger = Browser::on(&shop);
    for to in &uploads {
        let file = [("file", "a.zip", "application/zip", b"a".as_slice())];
        let page = stranger.upload(to, &[], &file).await;
        assert!(page.location().starts_with("/admin/sign-in"), "{}", page.location());
    }
    assert_eq!(objects(&shop), 0);
    assert_eq!(files(&shop).await, []);
}

#[tokio::test]
async fn what_is_hidden_stays_hidden_in_the_preview() {
    let visibility = Visibility { files: Some(Level::Covered), ..Visibility::default() };
    let shop = Shop::open_with(Settings { visibility, ..settings() }).await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    enter(&mut browser).await;
    let fields = [
        ("title", "Field Recorder"),
        ("kind", "download"),
        ("description", "A secret text"),
        ("see_description", "funded"),
        ("see_price", "member"),
        ("see_release_notes", "member"),
    ];
    browser.send(&format!("{RECORDER}/edit"), &fields).await;
    let offer = [("key", "standard"), ("price", "7.77"), ("terms", "perpetual")];
    browser.send(&format!("{RECORDER}/new-offer"), &offer).await;
    make_release(&mut browser).await;
    let file = [("file", "secret.zip", "application/zip", b"a".as_slice())];
    browser.upload(&format!("{FIRST}/files"), &[], &file).await;
    browser.send(&format!("{FIRST}/publish"), &[]).await;
    for (level, seen) in [
        ("visitor", &[][..]),
        ("member", &["7.77 AUR", "<em>first</em>"]),
        ("funded", &["7.77 AUR", "<em>first</em>", "A secret text"]),
        ("covered", &["7.77 AUR", "<em>first</em>", "secret.zip"]),
    ] {
        let page = browser.open(&format!("{RECORDER}/preview?as={level}")).await;
        assert_eq!(page.status, 200);
        assert!(page.html.contains("Nobody sees it now"), "{level}: {}", page.html);
        for secret in ["7.77 AUR", "<em>first</em>", "A secret text", "secret.zip"] {
            assert_eq!(
                page.html.contains(secret),
                seen.contains(&secret),
                "{level} {secret}: {}",
                page.html
            );
        }
        assert!(level == "covered" || page.html.contains("Hidden: "), "{level}: {}", page.html);
    }
    browser
        .send(
            &format!("{RECORDER}/edit"),
            &[("title", "Field Recorder"), ("kind", "download"), ("see_product", "member")],
        )
        .await;
    let page = browser.open(&format!("{RECORDER}/preview")).await;
    assert!(page.html.contains("They do not see this product at all"), "{}", page.html);
    let members = Settings { flow: Flow::MembersOnly, ..settings() };
    shop.app.engine.put_settings(Staff::OPERATOR, members).await.unwrap().unwrap();
    let page = browser.open(&format!("{RECORDER}/preview?as=visitor")).await;
    assert!(page.html.contains("to members only"), "{}", page.html);
}

#[tokio::test]
async fn pictures_are_added_described_ordered_and_removed() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    enter(&mut browser).await;
    let (to, change) = (format!("{RECORDER}/pictures"), format!("{RECORDER}/pictures/change"));
    let (one, two) = (b"\x89PNG one".as_slice(), b"\x89PNG two".as_slice());
    let page = browser
        .upload(&to, &[("alt", "Kept")], &[("picture", "a.svg", "image/svg+xml", one)])
        .await;
    assert_eq!(page.status, 400);
    assert!(
        page.html.contains("id=\"picture-error\"") && page.html.contains("value=\"Kept\""),
        "{}",
        page.html
    );
    let page = browser.upload(&to, &[], &[("picture", "", "application/octet-stream", b"")]).await;
    assert_eq!(page.status, 400);
    let long = "x".repeat(201);
    let page =
        browser.upload(&to, &[("alt", &long)], &[("picture", "a.png", "image/png", one)]).await;
    assert_eq!(page.status, 400);
    for (alt, bytes) in [("One", one), ("Two", two), ("One again", one)] {
        let file = [("picture", "a.png", "image/png", bytes)];
        goes(&browser.upload(&to, &[("alt", alt)], &file).await, &to);
    }
    let pictures = || async {
        let product =
            shop.app.engine.store().product_by_slug("field-recorder").await.unwrap().unwrap();
        product.pictures.into_iter().map(|picture| picture.alt).collect::<Vec<_>>()
    };
    assert_eq!(pictures().await, ["One again", "Two"]);
    let (first, second) = (hex(one), hex(two));
    goes(&browser.send(&change, &[("object", &second), ("act", "up"), ("alt", "")]).await, &to);
    assert_eq!(pictures().await, ["Two", "One again"]);
    goes(
        &browser.send(&change, &[("object", &second), ("act", "save"), ("alt", "A window")]).await,
        &to,
    );
    let page = browser.send(&change, &[("object", &second), ("act", "save"), ("alt", &long)]).await;
    assert_eq!(page.status, 400);
    assert!(page.html.contains(&format!("id=\"alt-{second}-error\"")), "{}", page.html);
    // To the staff it is shown while the product is a draft, and to nobody else.
    let path = format!("{to}/{second}");
    let shown = browser.open(&path).await;
    assert_eq!((shown.status, shown.answer.header("content-type")), (200, "image/png"));
    assert_eq!(shown.answer.header("x-content-type-options"), "nosniff");
    assert_eq!(shown.answer.bytes, two);
    assert_eq!(Browser::on(&shop).open(&path).await.status, 303);
    // Details leave pictures alone.
    browser
        .send(&format!("{RECORDER}/edit"), &[("title", "Field Recorder"), ("kind", "download")])
        .await;
    goes(&browser.send(&change, &[("object", &first), ("act", "remove"), ("alt", "")]).await, &to);
    assert_eq!(pictures().await, ["A window"]);
    assert_eq!(browser.open(&format!("{to}/{first}")).await.status, 404);
}

#[tokio::test]
async fn only_the_page_that_uploads_runs_a_script() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    enter(&mut browser).await;
    make_release(&mut browser).await;
    let page = browser.open(FIRST).await;
    let policy = page.answer.header("content-security-policy").to_owned();
    assert!(policy.contains("; script-src 'self'; connect-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let script = page.html.split("<script src=\"").nth(1).unwrap().split('"').next().unwrap();
    let got = shop.get(script, "").await;
    assert_eq!((got.status, got.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert!(got.header("cache-control").contains("immutable"));
    assert_eq!(shop.get("/upload.js", "").await.header("cache-control"), "no-cache");
    for path in
        ["/admin/products", RECORDER, &format!("{RECORDER}/edit"), &format!("{RECORDER}/new-offer")]
    {
        let page = browser.open(path).await;
        assert!(!page.html.contains("<script"), "{path}");
        let policy = page.answer.header("content-security-policy");
        assert!(
            !policy.contains("script-src")
                && !policy.contains("connect-src")
                && policy.contains("img-src 'self'"),
            "{policy}"
        );
        for active in ["style=", "onclick", "javascript:"] {
            assert!(!page.html.contains(active), "{path}: {active}");
        }
    }
}
