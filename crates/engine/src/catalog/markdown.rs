//! Markdown of the vendor's texts, made into HTML that can do no harm.
//!
//! Nothing of the text becomes markup except through Markdown: raw HTML is shown as the text that
//! it is, and links go to web and mail addresses only. The first heading of a page is its title: a text that has
//! headings of that rank has all of its headings one lower.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// `text` as HTML.
pub fn to_html(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let first = |event| matches!(event, Event::End(TagEnd::Heading(HeadingLevel::H1)));
    let lower = Parser::new_ext(text, options).any(first);
    let rank = |level| if lower { one_lower(level) } else { level };
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: rank(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(rank(level))),
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: harmless(dest_url), title, id })
        }
        // A picture elsewhere would tell its server who looks: pictures are the product's own.
        Event::Start(Tag::Image { link_type, title, id, .. }) => {
            Event::Start(Tag::Link { link_type, dest_url: "".into(), title, id })
        }
        // What is wider than its column is scrolled by keyboard too.
        Event::Start(Tag::CodeBlock(_)) => Event::Html("<pre tabindex=\"0\"><code>".into()),
        Event::End(TagEnd::CodeBlock) => Event::Html("</code></pre>\n".into()),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        event => event,
    });
    let mut out = String::with_capacity(text.len().saturating_mul(2));
    html::push_html(&mut out, events);
    out
}

fn one_lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

/// The address, if it leads to a page or a mailbox and nowhere else.
fn harmless(url: CowStr<'_>) -> CowStr<'_> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https" | "mailto") => url,
        // Without a scheme: a place on this site, but not another site's (`//host`).
        None if !url.starts_with("//") && !url.contains('\\') => url,
        _ => "".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_pages() {
        let html = to_html("# Tool\n\nA *fine* [tool](https://example.com).");
        assert!(html.contains("<h2>Tool</h2>"), "{html}");
        assert!(html.contains("<em>fine</em> <a href=\"https://example.com\">tool</a>"), "{html}");
        let html = to_html("```sh\na < b\n```\n\nAfter.");
        assert_eq!(html, "<pre tabindex=\"0\"><code>a &lt; b\n</code></pre>\n<p>After.</p>\n");
    }

    #[test]
    fn a_text_has_no_heading_of_the_rank_of_a_title() {
        assert_eq!(to_html("# A\n## B\n###### C"), "<h2>A</h2>\n<h3>B</h3>\n<h6>C</h6>\n");
        assert_eq!(to_html("## B\n### C"), "<h2>B</h2>\n<h3>C</h3>\n");
    }

    #[test]
    fn nothing_harmful_comes_through() {
        for bad in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "a <b onclick=\"x()\">b</b>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](//evil.example)",
            "![x](https://evil.example/pixel.png)",
            "<javascript:alert(1)>",
        ] {
            let html = to_html(bad);
            assert!(!html.contains("<script"), "{html}");
            assert!(!html.contains("<img"), "{html}");
            assert!(!html.contains("<b "), "{html}");
            assert!(!html.to_lowercase().contains("href=\"javascript"), "{html}");
            assert!(!html.contains("href=\"data:"), "{html}");
            assert!(!html.contains("href=\"//"), "{html}");
        }
    }
}
