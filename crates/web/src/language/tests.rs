//! The catalogues hold what the code says, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

mod unmarked;

use super::catalogue::{self, Entry, GERMAN};
use super::*;
use crate::problem::kind;

/// A text of the code: its other form, where it has one, and the names of what is filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Said {
    plural: Option<String>,
    places: BTreeSet<String>,
}

/// The sources below `src/{folder}`, tests aside, with their paths in it.
fn sources(folder: &str) -> Vec<(String, TokenStream)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let (mut all, mut folders) = (Vec::new(), vec![top.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.extend(Some(path).filter(|path| !path.ends_with("tests")));
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs")
            {
                let name = path.strip_prefix(&top).unwrap().to_string_lossy().into_owned();
                let source = fs::read_to_string(&path).unwrap();
                all.push((name, source.parse().unwrap()));
            }
        }
    }
    all
}

/// Every text that the sources say, and what is wrong with how they say it.
fn said() -> (BTreeMap<String, Said>, Vec<String>) {
    let (mut texts, mut wrong) = (BTreeMap::new(), Vec::new());
    for (_, tokens) in sources("") {
        search(tokens, &mut texts, &mut wrong);
    }
    for kind in kind::ALL {
        texts.entry(kind.title.to_owned()).or_default();
    }
    (texts, wrong)
}

fn search(tokens: TokenStream, texts: &mut BTreeMap<String, Said>, wrong: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let before = |back: usize| {
            index.checked_sub(back).and_then(|at| tokens.get(at)).map(ToString::to_string)
        };
        if group.delimiter() == Delimiter::Parenthesis {
            let called = match (before(2).as_deref(), before(1).as_deref()) {
                (_, Some(name @ ("t" | "key")))
                | (Some(name @ ("text" | "say" | "many")), Some("!")) => Some(name.to_owned()),
                _ => None,
            };
            if let Some(called) = called {
                one(&called, group.stream(), texts, wrong);
            }
        }
        search(group.stream(), texts, wrong);
    }
}

/// The arguments of a call.
fn arguments(all: TokenStream) -> Vec<Vec<TokenTree>> {
    all.into_iter().fold(vec![Vec::new()], |mut all, token| {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => all.push(Vec::new()),
            _ => all.last_mut().unwrap().push(token),
        }
        all
    })
}

/// Takes in one call.
fn one(
    called: &str,
    given: TokenStream,
    texts: &mut BTreeMap<String, Said>,
    wrong: &mut Vec<String>,
) {
    let arguments = arguments(given);
    let first = usize::from(called == "many");
    let literal = |at: usize| match arguments.get(at).map(Vec::as_slice) {
        Some([TokenTree::Literal(literal)]) => Some(text_of(&literal.to_string())),
        _ => None,
    };
    // `t(variable)` and the macros' own definitions.
    let Some(text) = literal(first) else { return };
    let plural = literal(2).filter(|_| called == "many");
    let filled = arguments.iter().skip(first.saturating_add(1));
    let places = filled.filter_map(|argument| match argument.as_slice() {
        [TokenTree::Ident(name)] => Some(name.to_string()),
        [TokenTree::Ident(name), TokenTree::Punct(is), ..] if is.as_char() == '=' => {
            Some(name.to_string())
        }
        _ => None,
    });
    let mut places: BTreeSet<String> = places.collect();
    let wanted = &names(&text) | &plural.as_deref().map(names).unwrap_or_default();
    if called == "many" && wanted.contains("count") {
        places.insert("count".to_owned());
    }
    if places != wanted {
        wrong.push(format!("{text:?} is filled with {places:?}"));
    }
    let said = Said { plural, places };
    if let Some(before) = texts.insert(text.clone(), said.clone())
        && before != said
    {
        wrong.push(format!("{text:?} is said in two ways"));
    }
}

/// What a literal of the source says.
fn text_of(literal: &str) -> String {
    let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
    let (mut text, mut signs) = (String::new(), inner.chars().peekable());
    while let Some(sign) = signs.next() {
        if sign != '\\' {
            text.push(sign);
            continue;
        }
        match signs.next().unwrap() {
            'n' => text.push('\n'),
            '\n' => while signs.next_if(|sign| sign.is_whitespace()).is_some() {},
            sign @ ('"' | '\\') => text.push(sign),
            other => panic!("no escape that is expected in a text: {other:?}"),
        }
    }
    text
}

/// The places of a text.
fn names(form: &str) -> BTreeSet<String> {
    let places = pieces(form).filter_map(|piece| match piece {
        Piece::Place(name) => Some(name.to_owned()),
        Piece::Text(_) => None,
    });
    places.collect()
}

#[test]
fn german_has_what_the_code_says_and_no_more() {
    let (said, mut wrong) = said();
    let mut has: BTreeMap<String, Entry> = BTreeMap::new();
    for read in catalogue::read(GERMAN) {
        match read {
            Ok((key, entry)) => {
                if has.insert(key.clone(), entry).is_some() {
                    wrong.push(format!("twice in the catalogue: {key:?}"));
                }
            }
            Err(line) => wrong.push(format!("line {line} of the catalogue cannot be read")),
        }
    }
    for (text, said) in &said {
        let Some(entry) = has.get(text) else {
            wrong.push(format!("not in the catalogue: {text:?}"));
            continue;
        };
        if entry.plural != said.plural || entry.many.is_some() != said.plural.is_some() {
            wrong.push(format!("other forms in the catalogue: {text:?}"));
        }
        // Who says "one" need not fill in a number.
        let all = &names(&entry.one) | &entry.many.as_deref().map(names).unwrap_or_default();
        if all != said.places {
            wrong.push(format!("other places in the catalogue: {text:?}"));
        }
    }
    let unused = has.keys().filter(|key| !said.contains_key(*key));
    wrong.extend(unused.map(|key| format!("nobody says it: {key:?}")));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(said.len() > 100, "the sources are not found");
}

#[test]
fn what_is_filled_in_is_escaped_where_it_becomes_markup() {
    let name = "<Ann & Bob>";
    let markup = say!("Ask {name}; {link}", name = name, link = maud::html! { b { "now" } });
    assert_eq!(markup.into_string(), "Ask &lt;Ann &amp; Bob&gt;; <b>now</b>");
    assert_eq!(text!("Ask {name}", name = name), "Ask <Ann & Bob>");
}

#[test]
fn numbers_are_written_as_the_language_does() {
    let told = |language| {
        written(language, || ["0.50", "1234567.8901", "999", "1000"].map(number).join(" "))
    };
    assert_eq!(told(Language::English), "0.50 1,234,567.8901 999 1,000");
    assert_eq!(told(Language::German), "0,50 1.234.567,8901 999 1.000");
    assert_eq!(number("1234.50"), "1234.50", "programs read what nobody gave a language");
}

#[test]
fn one_and_several_are_told_apart() {
    let things = |count: u32| many!(count, "One thing is", "{count} things are");
    assert_eq!((things(1), things(0)), ("One thing is".to_owned(), "0 things are".to_owned()));
    let german = written(Language::German, || things(2));
    assert_eq!(german, "2 Artikel");
}

#[test]
fn times_are_told_by_the_clock_of_the_task() {
    let at = Timestamp::parse("2026-07-01T22:30:00Z").unwrap();
    let zone = Zone::parse("Europe/Berlin").unwrap();
    let told = |language| {
        let voice = Voice { language, zone: zone.clone() };
        written(voice, || (day(at), moment(at)))
    };
    assert_eq!(
        told(Some(Language::German)),
        ("02.07.2026".into(), "02.07.2026, 00:30 CEST".into())
    );
    assert_eq!(
        told(Some(Language::English)),
        ("2026-07-02".into(), "2026-07-02 00:30 CEST".into())
    );
    // The console.
    assert_eq!(told(None), ("2026-07-02".into(), "2026-07-02 00:30 CEST".into()));
    // Where nobody set one.
    assert_eq!(moment(at), "2026-07-01 22:30 UTC");
    assert_eq!(moment(Timestamp::from_millis(i64::MAX)), "9223372036854775807ms");
}
