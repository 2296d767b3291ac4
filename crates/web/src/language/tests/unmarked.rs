//! No page for buyers says a word that no translator sees.
//!
//! What is looked at: literals in the bodies of `html!` and in its attributes that are read out; the texts of the parts that
//! pages are made of and of problems; and arms of a match that has marked ones. A text that comes from elsewhere is not seen.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::{arguments, pieces, sources, text_of};
use crate::language::Piece;

/// Pages in English alone, or without words of their own.
const ENGLISH: [&str; 6] = ["admin/", "admin.rs", "bank.rs", "chart.rs", "docs", "problems.rs"];

/// Which arguments of these are texts.
const CALLS: [(&str, &[usize]); 12] = [
    ("badge", &[1]),
    ("blank", &[0, 1]),
    ("complaint", &[0]),
    ("copy", &[1]),
    ("forbidden", &[0]),
    ("private", &[1]),
    ("private_again_in", &[1]),
    ("private_with_script", &[1]),
    ("with_error", &[2]),
    // Of `Problem`, and of nothing else.
    ("field", &[1]),
    ("new", &[1]),
    ("invalid_credentials", &[0]),
];

/// Attributes that are read out.
const READ_OUT: [&str; 4] = ["aria-label", "alt", "title", "placeholder"];

/// The text of a literal that has a word in it, places aside.
fn worded(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else { return None };
    let literal = literal.to_string();
    if !literal.starts_with('"') {
        return None;
    }
    let text = text_of(&literal);
    let is_word = |part: &str| part.chars().count() > 2;
    let says = |piece| match piece {
        Piece::Text(text) => text.split(|sign: char| !sign.is_alphabetic()).any(is_word),
        Piece::Place(_) => false,
    };
    // A path is the same in every language.
    let said = pieces(&text).any(says) && !text.starts_with('/');
    said.then_some(text)
}

fn is_sign(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// Finds what is said unmarked.
struct Search {
    file: String,
    found: Vec<String>,
}

impl Search {
    fn tell(&mut self, text: &str) {
        self.found.push(format!("{}: {text:?}", self.file));
    }

    fn rust(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        self.arms(&tokens);
        for (index, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else { continue };
            let before = |back: usize| index.checked_sub(back).and_then(|at| tokens.get(at));
            let word = |back| before(back).map(ToString::to_string).unwrap_or_default();
            if word(2) == "mod" && word(1) == "tests" {
                continue;
            }
            if word(2) == "html" && word(1) == "!" {
                self.markup(group.stream());
            }
            let of_problem = word(2) != ":" || matches!(word(4).as_str(), "Problem" | "Self");
            let call = CALLS.iter().find(|(name, _)| *name == word(1) && word(2) != "fn");
            let needs = matches!(word(1).as_str(), "field" | "new" | "invalid_credentials");
            if let Some((_, texts)) = call.filter(|_| of_problem && (!needs || word(2) == ":"))
                && group.delimiter() == Delimiter::Parenthesis
            {
                self.call(group.stream(), texts);
            }
            self.rust(group.stream());
        }
    }

    /// A literal, or one that is filled, as an argument that is a text.
    fn call(&mut self, given: TokenStream, texts: &[usize]) {
        let given = arguments(given);
        for argument in texts.iter().filter_map(|place| given.get(*place)) {
            let filled = match argument.as_slice() {
                [.., TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Group(group)]
                    if *name == "format" =>
                {
                    group.stream().into_iter().next()
                }
                [.., last] => Some(last.clone()),
                [] => None,
            };
            if let Some(text) = filled.as_ref().and_then(worded) {
                self.tell(&text);
            }
        }
    }

    /// Where some arms of a match are marked, all are.
    fn arms(&mut self, tokens: &[TokenTree]) {
        let arms =
            tokens.windows(4).filter(|at| is_sign(at.first(), '=') && is_sign(at.get(1), '>'));
        let arms: Vec<_> = arms.collect();
        let is_marked = |at: &&[TokenTree]| matches!(at, [.., word, TokenTree::Group(_)] if word.to_string() == "t");
        if arms.iter().any(is_marked) {
            for text in arms.iter().filter_map(|at| worded(at.get(2)?)) {
                self.tell(&text);
            }
        }
    }

    /// What stands in the body of an element.
    fn markup(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            let before = |back: usize| index.checked_sub(back).and_then(|at| tokens.get(at));
            let (last, next) = (before(1), tokens.get(index.saturating_add(1)));
            let is_value = is_sign(last, '=');
            if is_value && !READ_OUT.contains(&attribute(&tokens, index).as_str()) {
                continue;
            }
            match token {
                // A pattern of a match.
                TokenTree::Literal(_)
                    if is_sign(next, '|')
                        || is_sign(last, '|')
                        || (is_sign(next, '=')
                            && is_sign(tokens.get(index.saturating_add(2)), '>')) => {}
                TokenTree::Literal(_) => {
                    if let Some(text) = worded(token) {
                        self.tell(&text);
                    }
                }
                TokenTree::Group(group)
                    if group.delimiter() == Delimiter::Brace
                        // A class that is put together.
                        && !is_sign(last, '.')
                        && element(&tokens, index) != "code" =>
                {
                    self.markup(group.stream());
                }
                _ => {}
            }
        }
    }
}

/// The name of the attribute whose value stands here.
fn attribute(tokens: &[TokenTree], value: usize) -> String {
    let mut name = Vec::new();
    for token in tokens.get(..value.saturating_sub(1)).unwrap_or_default().iter().rev() {
        let is_part = matches!(name.last(), Some(TokenTree::Punct(_)) | None);
        match token {
            TokenTree::Ident(_) if is_part => name.push(token.clone()),
            TokenTree::Punct(punct) if !is_part && punct.as_char() == '-' => {
                name.push(token.clone());
            }
            _ => break,
        }
    }
    name.iter().rev().map(ToString::to_string).collect()
}

/// The name of the element whose body stands here, with classes or without.
fn element(tokens: &[TokenTree], body: usize) -> String {
    let mut name = String::new();
    for token in tokens.get(..body).unwrap_or_default().iter().rev() {
        match token {
            TokenTree::Ident(word) => name = word.to_string(),
            TokenTree::Punct(punct) if matches!(punct.as_char(), '.' | '-' | '#') => {}
            _ => break,
        }
    }
    name
}

#[test]
fn pages_for_buyers_say_nothing_unmarked() {
    let mut found = Vec::new();
    let mut files = 0;
    for (file, tokens) in sources("pages") {
        if ENGLISH.iter().any(|name| file.starts_with(name)) {
            continue;
        }
        let mut search = Search { file, found: Vec::new() };
        search.rust(tokens);
        found.extend(search.found);
        files += 1;
    }
    assert!(found.is_empty(), "{} unmarked:\n{}", found.len(), found.join("\n"));
    assert!(files > 40, "the sources are not found");
}

#[test]
fn what_is_said_unmarked_is_found() {
    let found = |source: &str| {
        let mut search = Search { file: String::new(), found: Vec::new() };
        search.rust(source.parse().unwrap());
        search.found.len()
    };
    for unmarked in [
        r#"html! { p { "Bought" } }"#,
        r#"html! { @if yes { td { b.big { "soon" } } } }"#,
        r#"html! { nav aria-label="More" { } }"#,
        r#"badge(Tone::Good, "pays")"#,
        r#"Problem::field("to", "not before")"#,
        r#"Problem::new(&kind::MALFORMED, format!("{a} lacks"))"#,
        r#"match lot { Paid => "bought", Promo => t("a gift") }"#,
    ] {
        assert_eq!(found(unmarked), 1, "{unmarked}");
    }
    for right in [
        r#"html! { p.small title=(t("Bought")) href="/wallet" { (t("Bought")) " / " } }"#,
        r#"html! { a.{ "tone-" (id) } href={ "/orders/" (id) } { code.long { "scrip get" } } }"#,
        r#"html! { a href="/jwks.json" { "/jwks.json" } }"#,
        r#"html! { @match word { "yes" | "yeah" => (t("Yes")), _ => { "–" } } }"#,
        r#"match word { "yes" => t("Yes"), _ => t("No") }"#,
        r#"Problem::field("to", t("not before"))"#,
        r#"Key::new("abc", "def")"#,
        r#"mod tests { html! { "Bought" } }"#,
    ] {
        assert_eq!(found(right), 0, "{right}");
    }
}
