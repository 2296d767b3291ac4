//! A letter while it is written: blocks that become plain text and a page.

use std::fmt::Display;

use maud::{DOCTYPE, Markup, html};
use scrip_engine::mail::Words;

use crate::language::{say, spoken, t, text};

/// The longest line of prose in plain text, and the longest subject, in characters.
const WIDTH: usize = 72;
const SUBJECT: usize = 120;

/// What a letter says so far.
#[derive(Debug)]
pub struct Draft {
    subject: String,
    heading: String,
    blocks: Vec<Block>,
}

#[derive(Debug)]
enum Block {
    Text(String),
    Small(String),
    Row(String, String),
    Code { title: String, short: String, jws: String },
    Button(String, String),
    Quoted(String),
}

impl Draft {
    /// With this subject, and this above the text.
    pub fn new(subject: impl Display, heading: impl Display) -> Self {
        let subject = one_line(&subject.to_string()).chars().take(SUBJECT).collect();
        Self { subject, heading: one_line(&heading.to_string()), blocks: Vec::new() }
    }

    fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// A paragraph.
    pub fn text(self, text: impl Display) -> Self {
        self.with(Block::Text(one_line(&text.to_string())))
    }

    /// A paragraph in small print.
    pub fn small(self, text: impl Display) -> Self {
        self.with(Block::Small(one_line(&text.to_string())))
    }

    /// A row of a table: what, and how much.
    pub fn row(self, what: impl Display, much: impl Display) -> Self {
        self.with(Block::Row(one_line(&what.to_string()), one_line(&much.to_string())))
    }

    /// The same for what is no amount.
    pub fn fact(self, what: &str, value: impl Display) -> Self {
        self.row(what, value)
    }

    /// An authorization code in both forms.
    pub fn code(self, title: &str, short: &str, jws: &str) -> Self {
        let title = one_line(title);
        self.with(Block::Code { title, short: short.to_owned(), jws: jws.to_owned() })
    }

    /// What somebody else wrote: plain text, of which nothing becomes a link or markup. A rule before and after sets it apart.
    pub fn quoted(self, text: &str) -> Self {
        // A line of two dashes and a blank begins a signature: mail programs would hide what follows.
        let lines = text.lines().map(str::trim_end);
        self.with(Block::Quoted(lines.collect::<Vec<_>>().join("\n")))
    }

    /// What to press.
    pub fn button(self, label: &str, link: String) -> Self {
        self.with(Block::Button(label.to_owned(), link))
    }

    /// The words, under the vendor's name.
    pub fn finish(self, vendor: &str, url: &str) -> Words {
        let vendor = one_line(vendor);
        let text = self.plain(&vendor, url);
        let html = self.page(&vendor, url).into_string();
        Words { subject: self.subject, text, html }
    }

    fn plain(&self, vendor: &str, url: &str) -> String {
        let mut text = format!("{}\n\n", wrapped(&self.heading));
        let mut in_table = false;
        for block in &self.blocks {
            let is_row = matches!(block, Block::Row(..));
            if in_table && !is_row {
                text.push('\n');
            }
            in_table = is_row;
            match block {
                Block::Text(words) | Block::Small(words) => {
                    text.push_str(&format!("{}\n\n", wrapped(words)));
                }
                Block::Row(what, much) => {
                    text.push_str(&format!("{}\n", wrapped(&format!("{what}: {much}"))));
                }
                // Codes are to be copied: they stay on one line however long they are.
                Block::Code { title, short, jws } => {
                    text.push_str(&format!(
                        "{}\n",
                        wrapped(&text!("Code for {title}, to type: {short}", title, short))
                    ));
                    text.push_str(&format!("{}\n{jws}\n\n", t("To copy:")));
                }
                Block::Button(label, link) => text.push_str(&format!("{label}:\n{link}\n\n")),
                Block::Quoted(words) => {
                    let rule = "_".repeat(WIDTH);
                    text.push_str(&format!("{rule}\n\n{}\n\n{rule}\n\n", words.trim()));
                }
            }
        }
        if in_table {
            text.push('\n');
        }
        text.push_str(&format!("-- \n{vendor}\n{url}\n"));
        text
    }

    fn page(&self, vendor: &str, url: &str) -> Markup {
        html! {
            (DOCTYPE)
            html lang=(spoken().unwrap_or_default()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // Both are asked for, so that no program turns the colours itself.
                    meta name="color-scheme" content="light dark";
                    meta name="supported-color-schemes" content="light dark";
                    title { (self.subject) }
                }
                body style="margin:0;padding:24px 16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif" {
                    div style="max-width:560px;margin:0 auto" {
                        p style="margin:0 0 24px;font-weight:600" { (vendor) }
                        h1 style="margin:0 0 16px;font-size:22px;line-height:1.3" { (self.heading) }
                        @for block in self.blocks.chunk_by(|a, b| matches!((a, b), (Block::Row(..), Block::Row(..)))) {
                            (blocks(block))
                        }
                        p style="margin:32px 0 0;padding-top:16px;border-top:1px solid #8888;font-size:13px;opacity:.8" {
                            (vendor) br; a href=(url) style="color:inherit" { (url) }
                        }
                    }
                }
            }
        }
    }
}

/// Rows that are beside each other are one table; everything else comes alone.
fn blocks(together: &[Block]) -> Markup {
    if let [Block::Row(..), ..] = together {
        return html! {
            table role="presentation" width="100%" style="margin:0 0 16px;border-collapse:collapse" {
                @for block in together {
                    @if let Block::Row(what, much) = block {
                        tr {
                            td style="padding:6px 12px 6px 0;border-bottom:1px solid #8884;vertical-align:top" { (what) }
                            td align="right" style="padding:6px 0;border-bottom:1px solid #8884;vertical-align:top" { (much) }
                        }
                    }
                }
            }
        };
    }
    html! {
        @for block in together {
            @match block {
                Block::Row(..) => {}
                Block::Text(words) => { p style="margin:0 0 16px" { (words) } }
                Block::Small(words) => { p style="margin:0 0 16px;font-size:13px;opacity:.8" { (words) } }
                Block::Code { title, short, jws } => {
                    p style="margin:0 0 4px;font-weight:600" { (say!("Code for {title}", title)) }
                    p style="margin:0 0 4px;font:18px/1.5 ui-monospace,Menlo,Consolas,monospace" { (short) }
                    p style="margin:0 0 16px;font:12px/1.4 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere;word-break:break-all" { (jws) }
                }
                Block::Quoted(words) => {
                    div style="margin:0 0 16px;padding:16px 0 0;border-top:1px solid #8888;border-bottom:1px solid #8888;overflow-wrap:anywhere" {
                        @for paragraph in words.split("\n\n").map(str::trim).filter(|words| !words.is_empty()) {
                            p style="margin:0 0 16px" {
                                @for (number, line) in paragraph.lines().enumerate() {
                                    @if number > 0 { br; }
                                    (line)
                                }
                            }
                        }
                    }
                }
                Block::Button(label, link) => {
                    p style="margin:24px 0" {
                        a href=(link) style="display:inline-block;padding:12px 20px;border-radius:6px;background:#1f5fbf;color:#ffffff;text-decoration:none;font-weight:600" { (label) }
                    }
                }
            }
        }
    }
}

/// A text on one line: what somebody typed into a name ends no header and no line.
fn one_line(text: &str) -> String {
    let plain =
        |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    text.chars()
        .map(plain)
        .collect::<String>()
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The same in lines of at most [`WIDTH`] characters, but for longer words.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_told_ends_a_line_or_begins_markup() {
        let evil = "A\r\nBcc: eve@evil.example\u{2028}<b>&\u{0}";
        let words =
            Draft::new(evil, evil).text(evil).row(evil, evil).finish(evil, "https://a.example");
        assert_eq!(words.subject, "A Bcc: eve@evil.example <b>&");
        assert!(!words.subject.contains(['\r', '\n']));
        assert!(words.text.lines().all(|line| !line.starts_with("Bcc:")), "{}", words.text);
        assert!(!words.html.contains("<b>") && words.html.contains("&lt;b&gt;&amp;"));
        let long = Draft::new("x".repeat(500), "").finish("", "");
        assert_eq!(long.subject.len(), SUBJECT);
    }

    #[test]
    fn prose_is_wrapped_and_codes_are_not() {
        let (word, jws) = ("word ".repeat(60), "e".repeat(700));
        let words = Draft::new("s", "h")
            .text(word)
            .code("T", "AAAA-BBBB", &jws)
            .finish("V", "https://a.example");
        for line in words.text.lines() {
            assert!(line.chars().count() <= WIDTH || line == jws, "{line}");
        }
        assert!(words.html.contains(&jws) && words.html.contains("AAAA-BBBB"));
    }

    #[test]
    fn both_parts_say_the_same() {
        let draft = Draft::new("Subject", "Heading").text("A word.").row("Total", "1.00 AUR");
        let words = draft
            .button("Press", "https://a.example/x".into())
            .small("Small.")
            .finish("V", "https://a.example");
        insta::assert_snapshot!(words.text, @r"
        Heading

        A word.

        Total: 1.00 AUR

        Press:
        https://a.example/x

        Small.

        -- 
        V
        https://a.example
        ");
        for part in
            ["Heading", "A word.", "Total", "1.00 AUR", "Press", "https://a.example/x", "Small."]
        {
            assert!(words.html.contains(part), "{part}");
        }
    }
}
