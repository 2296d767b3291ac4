//! Rust source as a flat list of tokens. Comments are gone and strings are single tokens, so that a rule
//! about code never trips over prose, and one about strings never over code.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, LexError, TokenStream, TokenTree};

#[derive(Debug)]
pub struct Token {
    pub text: String,
    pub line: usize,
    pub kind: Kind,
    /// Whether it stands in code that is compiled for tests only.
    pub test: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Code,
    /// A string literal of any sort, with its quotes.
    String,
}

pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
    pub test: bool,
}

/// `test` tells that the whole file is test code.
pub fn tokens(source: &str, test: bool) -> Result<Vec<Token>, LexError> {
    let mut tokens = Vec::new();
    flatten(TokenStream::from_str(source)?, test, &mut tokens);
    Ok(tokens)
}

fn flatten(stream: TokenStream, test: bool, tokens: &mut Vec<Token>) {
    // True from an attribute such as `#[cfg(test)]` to the end of the item that it stands on.
    let mut test_item = false;
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Punct(mark) => {
                let next = trees.peek().filter(|_| mark.as_char() == '#');
                if next.is_some_and(is_documentation) {
                    trees.next();
                    continue;
                }
                test_item |= next.is_some_and(marks_test);
                tokens.push(code(&mark.to_string(), line, test || test_item));
                test_item &= mark.as_char() != ';';
            }
            TokenTree::Ident(word) => tokens.push(code(&word.to_string(), line, test || test_item)),
            TokenTree::Literal(literal) => {
                let mut token = code(&literal.to_string(), line, test || test_item);
                if is_string(&token.text) {
                    token.kind = Kind::String;
                }
                tokens.push(token);
            }
            TokenTree::Group(group) => {
                enter(&group, test || test_item, tokens);
                test_item &= group.delimiter() != Delimiter::Brace;
            }
        }
    }
}

fn enter(group: &Group, test: bool, tokens: &mut Vec<Token>) {
    let (open, close) = match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    };
    tokens.push(code(open, group.span_open().start().line, test));
    flatten(group.stream(), test, tokens);
    tokens.push(code(close, group.span_close().start().line, test));
}

fn code(word: &str, line: usize, test: bool) -> Token {
    Token { text: word.to_owned(), line, kind: Kind::Code, test }
}

/// A doc comment reaches the lexer as `#[doc = "..."]`.
fn is_documentation(tree: &TokenTree) -> bool {
    words_of_attribute(tree).first().is_some_and(|word| word == "doc")
}

fn marks_test(tree: &TokenTree) -> bool {
    let words = words_of_attribute(tree);
    let is = |word: &str| words.iter().any(|found| found == word);
    match words.first().map(String::as_str) {
        Some("cfg") => is("test") && !is("not"),
        Some("test") => true,
        Some(_) => words.get(1).is_some_and(|word| word == "test") && !is("cfg_attr"),
        None => false,
    }
}

fn words_of_attribute(tree: &TokenTree) -> Vec<String> {
    let TokenTree::Group(group) = tree else { return Vec::new() };
    let mut inside = Vec::new();
    flatten(group.stream(), false, &mut inside);
    let is_word = |token: &Token| token.text.starts_with(|c: char| c.is_alphabetic());
    inside.into_iter().filter(is_word).map(|token| token.text).collect()
}

fn is_string(literal: &str) -> bool {
    literal.trim_start_matches(['b', 'c', 'r', '#']).starts_with('"')
}

/// The places where `words` stand one after the other; `"::"` may be written as one.
pub fn find<'a>(tokens: &'a [Token], words: &[&str]) -> Vec<&'a Token> {
    let split =
        words.iter().flat_map(|word| if *word == "::" { vec![":", ":"] } else { vec![*word] });
    let wanted: Vec<&str> = split.collect();
    let matches = |window: &&[Token]| {
        window
            .iter()
            .zip(&wanted)
            .all(|(token, word)| token.kind == Kind::Code && token.text == *word)
    };
    tokens.windows(wanted.len()).filter(matches).map(|window| &window[0]).collect()
}

/// All functions with a body, from the line of `fn` to that of the closing brace.
pub fn functions(tokens: &[Token]) -> Vec<Function> {
    let starts = (0..tokens.len()).filter(|at| tokens[*at].text == "fn");
    starts.filter_map(|at| function(&tokens[at..])).collect()
}

fn function(tokens: &[Token]) -> Option<Function> {
    let (start, name) = (tokens.first()?, tokens.get(1)?);
    if !name.text.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None; // A function pointer's type, or a macro's pattern.
    }
    let mut depth = 0_u32;
    let mut in_body = false;
    for token in tokens.iter().filter(|token| token.kind == Kind::Code) {
        match token.text.as_str() {
            ";" if depth == 0 => return None,
            "{" if depth == 0 => (in_body, depth) = (true, 1),
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.checked_sub(1)?;
                if in_body && depth == 0 {
                    return Some(Function {
                        name: name.text.clone(),
                        line: start.line,
                        lines: token.line - start.line + 1,
                        test: start.test,
                    });
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r##"
        /// std::env::var in prose
        pub fn one(f: fn(u8) -> u8, n: [u8; 2]) -> u8 { // fn two() {
            let s = r#"} fn three() {"#;
            std::env::var(s)
        }
        trait T { fn bodiless(&self); fn four() {} }
        #[cfg(not(test))] fn shipped() {}
        #[cfg(test)] use x::{y};
        fn after() {}
        #[tokio::test(flavor = "x")] async fn five() { let c = '"'; }
        #[cfg(test)] mod tests { fn six() {} }
    "##;

    #[test]
    fn functions_are_found_with_their_length_and_kind() {
        let tokens = tokens(SOURCE, false).unwrap();
        let found: Vec<_> = functions(&tokens)
            .into_iter()
            .map(|function| (function.name, function.line, function.lines, function.test))
            .collect();
        let expected = [
            ("one", 3, 4, false),
            ("four", 7, 1, false),
            ("shipped", 8, 1, false),
            ("after", 10, 1, false),
            ("five", 11, 1, true),
            ("six", 12, 1, true),
        ];
        assert_eq!(
            found,
            expected.map(|(name, line, lines, test)| (name.to_owned(), line, lines, test))
        );
    }

    #[test]
    fn paths_are_found_in_code_only() {
        let tokens = tokens(SOURCE, false).unwrap();
        let lines: Vec<usize> =
            find(&tokens, &["env", "::", "var"]).iter().map(|token| token.line).collect();
        assert_eq!(lines, [5]);
        assert_eq!(tokens.iter().filter(|token| token.kind == Kind::String).count(), 2);
    }
}
