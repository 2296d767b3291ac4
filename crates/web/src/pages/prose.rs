//! Short texts of the code, as they are written in comments: words between backticks are code, and a
//! problem code leads to where it is explained. Apostrophes become those of print.

use maud::{Markup, html};

use crate::problem::Kind;

/// A text on one line.
pub fn prose(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 0 {
                (part.replace('\'', "’"))
            } @else if let Some(kind) = Kind::of(part) {
                a href=(kind.address()) { code { (part) } }
            } @else {
                code { (part) }
            }
        }
    }
}

/// A text in paragraphs, with an empty line between two.
pub fn paragraphs(text: &str) -> Markup {
    html! {
        @for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
            p { (prose(paragraph)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_marked_and_what_is_explained_is_linked() {
        assert_eq!(
            prose("`busy`: wait as the answer's `Retry-After` says, <b>").into_string(),
            "<a href=\"/problems/busy\"><code>busy</code></a>: wait as the answer’s \
             <code>Retry-After</code> says, &lt;b&gt;"
        );
        assert_eq!(paragraphs("one\n\ntwo\n\n").into_string(), "<p>one</p><p>two</p>");
    }
}
