use std::path::PathBuf;

use scrip_domain::Amount;
use tempfile::TempDir;

use super::*;

const TOP: &str =
    "token = \"AUR\"\n[[products]]\nslug = \"tides\"\nkind = \"download\"\ntitle = \"Tides\"\n";

fn token() -> Token {
    Token { code: "AUR".into(), scale: 4 }
}

fn folder(source: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(FILE), source).unwrap();
    fs::write(dir.path().join("tides.csv"), "hour,metres\n0,1.2\n").unwrap();
    fs::write(dir.path().join("about.md"), "# Tides\r\n\r\nThey come.\r\n").unwrap();
    fs::create_dir(dir.path().join("pictures")).unwrap();
    fs::write(dir.path().join("pictures/sea.png"), "not looked into").unwrap();
    dir
}

fn mistakes(source: &str) -> Vec<String> {
    let dir = folder(source);
    let all = read(dir.path(), &token()).unwrap_err().all;
    all.into_iter().map(|one| format!("{}: {}: {}", one.line, one.key, one.text)).collect()
}

#[test]
fn a_sound_folder_is_read_as_the_server_keeps_it() {
    let source = format!(
        r#"{TOP}summary = " High and low. "
description_file = "about.md"
categories = ["Data"]
tags = ["sea", "sea"]
state = "draft"
pictures = [{{ path = "pictures/sea.png", alt = "The sea" }}]
visibility = {{ price = "funded" }}

[products.texts.de]
title = " Gezeiten "
description_file = "about.md"
tags = ["Meer"]

[[products.offers]]
key = "month"
price = "0.0125"
terms = {{ kind = "rental", days = 30, from = "first_activation" }}
limits = {{ machines = 2 }}

[[products.releases]]
version = "1.0"
notes = "First."
files = [{{ path = "tides.csv", platform = "any" }}, {{ path = "tides.csv", name = "b.txt" }}]
"#
    );
    let dir = folder(&source);
    let catalog = read(dir.path(), &token()).unwrap();
    let [product] = &catalog.products[..] else { panic!("one product") };
    assert_eq!(product.fields.summary, "High and low.");
    assert_eq!(product.fields.description, "# Tides\n\nThey come.\n");
    assert_eq!(product.fields.labels.tags, ["sea"]);
    assert_eq!(product.fields.pictures[0].media_type, "image/png");
    assert_eq!(product.fields.visibility.price, Some(Level::Funded));
    let german = product.fields.texts.of(Language::German).unwrap();
    assert_eq!((&*german.title, &*german.summary), ("Gezeiten", ""));
    assert_eq!(
        (&*german.description, &german.tags[..]),
        ("# Tides\n\nThey come.\n", &["Meer".to_owned()][..])
    );
    assert_eq!(product.state, ProductState::Draft);
    let offer = &product.offers[0].fields;
    assert_eq!(offer.price, Amount::new(125).unwrap());
    let terms = Terms::Rental { seconds: 30 * DAY, from: RentalStart::FirstActivation };
    assert_eq!((offer.terms, offer.limits.machines), (terms, Some(2)));
    let release = &product.releases[0];
    assert_eq!((release.name().as_str(), release.fields.publish), ("stable/1.0", true));
    let [csv, text] = &release.fields.files[..] else { panic!("two files") };
    assert_eq!((csv.name.as_str(), csv.media_type.as_str()), ("tides.csv", "text/csv"));
    assert_eq!((text.name.as_str(), text.media_type.as_str()), ("b.txt", "text/plain"));
    assert_eq!(csv.sha256, text.sha256);
    assert_eq!(catalog.objects.len(), 2);
    assert_eq!(catalog.objects[&csv.sha256].size, 18);
}

/// Each addition to a sound folder is one mistake, told like this.
fn told(cases: &[(&str, &str)]) {
    for (rest, expected) in cases {
        let found = mistakes(&format!("{TOP}{rest}"));
        assert_eq!(found.len(), 1, "{rest}: {found:#?}");
        assert!(found[0].starts_with(expected), "{rest}: {found:#?}");
    }
}

#[test]
fn mistakes_of_a_product_have_their_line_and_key() {
    told(&[
        ("colour = 1", "6: products[0].colour: is not known here; there are categories, "),
        ("summary = 1", "6: products[0].summary: must be a text in quotes"),
        ("tags = [1]", "6: products[0].tags: must be a list of texts"),
        ("tags = [\"\"]", "6: products[0].tags[0]: must be 1 to 40 characters"),
        (
            "state = \"gone\"",
            "6: products[0].state: \"gone\" is not one of draft, published, archived",
        ),
        ("visibility = { price = \"rich\" }", "6: products[0].visibility.price: \"rich\" is not"),
        ("visibility = { prize = \"member\" }", "6: products[0].visibility.prize: is not known"),
        (
            "description = \"a\"\ndescription_file = \"about.md\"",
            "7: products[0].description_file: is",
        ),
        (
            "[products.texts.de]\ntitel = \"Gezeiten\"",
            "7: products[0].texts.de.titel: is not known",
        ),
        (
            "[products.texts.fr]\ntitle = \"Marées\"",
            "6: products[0].texts.fr: is not known here; there are de, en",
        ),
        (
            "texts = { de = { title = \"a\\u0007\" } }",
            "6: products[0].texts.de.title: must be no control",
        ),
        (
            "[products.texts.de]\n\ntags = [\"See\"]",
            "8: products[0].texts.de.tags: must be 0, as there are tags",
        ),
        ("description_file = \"no.md\"", "6: products[0].description_file: there is no file no.md"),
        (
            "description_file = \"pictures\"",
            "6: products[0].description_file: pictures is not a reg",
        ),
        ("pictures = [{ alt = \"a\" }]", "6: products[0].pictures[0].path: is missing"),
        (
            "pictures = [{ alt = \"a\", path = \"tides.csv\" }]",
            "6: products[0].pictures[0].media_type: must be one of image/png, ",
        ),
    ]);
}

#[test]
fn mistakes_of_an_offer_have_their_line_and_key() {
    let offer = "[[products.offers]]\nkey = \"a\"\n";
    let perpetual = "terms = { kind = \"perpetual\" }\n";
    told(&[
        (&format!("{offer}price = \"1\""), "6: products[0].offers[0].terms: is missing"),
        (&format!("{offer}{perpetual}"), "6: products[0].offers[0].price: is missing"),
        (
            &format!("{offer}{perpetual}price = \"0.00001\""),
            "9: products[0].offers[0].price: 0.00001 is finer than the token",
        ),
        (
            &format!("{offer}{perpetual}price = 1.5"),
            "9: products[0].offers[0].price: must be a text in quotes",
        ),
        (
            &format!("{offer}price = \"1\"\nterms = {{ kind = \"uses\" }}"),
            "9: products[0].offers[0].terms.count: is missing",
        ),
        (
            &format!("{offer}price = \"1\"\nterms = {{ kind = \"uses\", count = 0 }}"),
            "9: products[0].offers[0].terms.count: must be 1 to",
        ),
        (
            &format!("{offer}price = \"1\"\nterms = {{ kind = \"trial\", days = 1, seconds = 1 }}"),
            "9: products[0].offers[0].terms.days: give the time once",
        ),
        (
            &format!("{offer}price = \"1\"\nterms = {{ kind = \"moon\" }}"),
            "9: products[0].offers[0].terms.kind: \"moon\" is not one of",
        ),
        (
            &format!("{offer}price = \"1\"\n{perpetual}limits = {{ machines = -1 }}"),
            "10: products[0].offers[0].limits.machines: must be a whole number",
        ),
        (
            &format!("{offer}price = \"1\"\n{perpetual}{offer}price = \"2\"\n{perpetual}"),
            "10: products[0].offers[1]: a is taken",
        ),
    ]);
}

#[test]
fn mistakes_of_a_release_have_their_line_and_key() {
    let release = "[[products.releases]]\nversion = \"1\"\n";
    told(&[
        (release, "6: products[0].releases[0].files: a release needs at least one file"),
        (
            &format!("{release}files = [{{ path = \"tides.csv\", name = \"a/b\" }}]"),
            "8: products[0].releases[0].files[0].name: must be 1 to 200 bytes",
        ),
        (
            &format!("{release}files = [{{ path = \"tides.csv\" }}, {{ path = \"tides.csv\" }}]"),
            "8: products[0].releases[0].files[1].name: must be another name",
        ),
    ]);
}

#[test]
fn paths_cannot_leave_the_folder() {
    for path in ["/etc/passwd", "../x", "a/../../x", "./tides.csv", "", "pictures\\\\sea.png"] {
        let found = mistakes(&format!(
            "{TOP}[[products.releases]]\nversion = \"1\"\nfiles = [{{ path = \"{path}\", name = \"a\" }}]"
        ));
        assert_eq!(found.len(), 1, "{path}: {found:#?}");
        let expected =
            "8: products[0].releases[0].files[0].path: must be the path of a file inside";
        assert!(found[0].starts_with(expected), "{path}: {found:#?}");
    }
}

#[cfg(unix)]
#[test]
fn links_out_and_pipes_are_refused_and_links_within_are_not() {
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let link = |dir: &TempDir, target: PathBuf| {
        std::os::unix::fs::symlink(target, dir.path().join("link")).unwrap();
        read(dir.path(), &token()).map_err(|mistakes| mistakes.all[0].text.clone())
    };
    let source = format!(
        "{TOP}[[products.releases]]\nversion = \"1\"\nfiles = [{{ path = \"link\", name = \"a\" }}]"
    );
    let out = link(&folder(&source), outside.path().join("secret"));
    assert_eq!(out.unwrap_err(), "link leads out of the folder");
    assert!(link(&folder(&source), "tides.csv".into()).is_ok());
    assert_eq!(link(&folder(&source), "nowhere".into()).unwrap_err(), "there is no file link");
    let dir = folder(&source);
    let pipe = std::process::Command::new("mkfifo").arg(dir.path().join("link")).status();
    assert!(pipe.unwrap().success());
    let piped = read(dir.path(), &token()).unwrap_err();
    assert_eq!(piped.all[0].text, "link is not a regular file");
}

#[test]
fn all_mistakes_are_said_at_once_in_the_order_of_lines() {
    let found = mistakes(
        "token = \"EUR\"\nnothing = 1\n[[products]]\nslug = \"A\"\nkind = \"service\"\ntitle = \"A\"\n\
         [[products]]\ntitle = 7\n[[products]]\nslug = \"b\"\nkind = \"toy\"\ntitle = \"B\"\n",
    );
    let lines: Vec<_> = found.iter().map(|text| text.split_once(": ").unwrap().0).collect();
    assert_eq!(lines, ["1", "2", "4", "7", "7", "8", "11"], "{found:#?}");
}

#[test]
fn a_catalogue_may_be_long_and_a_text_may_not() {
    let products: String = (0..8000)
        .map(|number| {
            format!(
                "[[products]]\nslug = \"p-{number}\"\nkind = \"service\"\ntitle = \"{}\"\n",
                "t".repeat(100)
            )
        })
        .collect();
    let source = format!("token = \"AUR\"\n{products}");
    assert!(source.len() > 1 << 20);
    assert_eq!(read(folder(&source).path(), &token()).unwrap().products.len(), 8000);
    let dir = folder(&format!("{TOP}description_file = \"about.md\""));
    fs::write(dir.path().join("about.md"), "a".repeat((1 << 20) + 1)).unwrap();
    let refused = read(dir.path(), &token()).unwrap_err();
    assert_eq!(refused.all[0].text, "is too long for a text");
}

#[test]
fn the_same_slug_twice_is_one_too_many() {
    let product = &TOP["token = \"AUR\"\n".len()..];
    assert_eq!(mistakes(&format!("{TOP}{product}")), ["7: products[1].slug: tides is taken"]);
}

#[test]
fn broken_documents_say_the_line_and_nothing_else() {
    let found = mistakes(&format!("{TOP}summary = \nstate = \"gone\""));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("6: : "), "{found:#?}");
    assert!(mistakes(&format!("{TOP}title = \"again\""))[0].starts_with("6: : duplicate key"));
    let nowhere = read(std::path::Path::new("/nowhere"), &token()).unwrap_err();
    assert!(nowhere.to_string().contains("/nowhere/catalog.toml: cannot be read"), "{nowhere}");
}
