//! The few documents that the protocol has: what is read of them, and the one that is written.

use std::fmt::Write as _;

use roxmltree::{Document, Node};
use scrip_engine::Fault;
use scrip_engine::objects::bucket::Listed;

use crate::unavailable;

/// Reads `text`, whose root must be called `name`.
fn read<T>(
    text: &str,
    name: &str,
    what: impl FnOnce(Node<'_, '_>) -> Option<T>,
) -> Result<T, Fault> {
    let strange = || unavailable("its answer is none of the protocol");
    let document = Document::parse(text).map_err(|_| strange())?;
    let root = document.root_element();
    if root.tag_name().name() != name {
        return Err(strange());
    }
    what(root).ok_or_else(strange)
}

/// The text of the child of this name.
fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.children().find(|child| child.tag_name().name() == name)?.text()
}

fn all<'a, 'i>(node: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.tag_name().name() == name)
}

/// A page of a list.
pub fn listed(document: &str) -> Result<Listed, Fault> {
    read(document, "ListBucketResult", |root| {
        let object =
            |node| Some((text(node, "Key")?.to_owned(), text(node, "Size")?.parse().ok()?));
        let objects = all(root, "Contents").map(object).collect::<Option<Vec<_>>>()?;
        let next = text(root, "NextContinuationToken").map(str::to_owned);
        Some(Listed { objects, next })
    })
}

/// The name of an upload that was begun.
pub fn upload(document: &str) -> Result<String, Fault> {
    read(document, "InitiateMultipartUploadResult", |root| {
        text(root, "UploadId").map(str::to_owned)
    })
}

/// The uploads of this very key.
pub fn uploads(document: &str, key: &str) -> Result<Vec<String>, Fault> {
    read(document, "ListMultipartUploadsResult", |root| {
        let own = all(root, "Upload").filter(|node| text(*node, "Key") == Some(key));
        own.map(|node| text(node, "UploadId").map(str::to_owned)).collect()
    })
}

/// Whether the answer to a completion says that it was completed.
pub fn is_completed(document: &[u8]) -> bool {
    let text = std::str::from_utf8(document).unwrap_or_default();
    read(text, "CompleteMultipartUploadResult", |_| Some(())).is_ok()
}

/// The code of an error.
pub fn code(document: &str) -> Option<String> {
    read(document, "Error", |root| text(root, "Code").map(str::to_owned)).ok()
}

/// The parts of which an object is made.
pub fn parts(tags: &[String]) -> String {
    let mut out = "<CompleteMultipartUpload>".to_owned();
    for (number, tag) in (1_usize..).zip(tags) {
        let tag = tag.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        // Writing to a string cannot fail.
        let _ = write!(out, "<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
    }
    out + "</CompleteMultipartUpload>"
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMESPACE: &str = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

    #[test]
    fn lists_are_read_with_where_they_go_on() {
        let page = format!(
            "<?xml version=\"1.0\"?><ListBucketResult {NAMESPACE}><Name>b</Name>
             <NextContinuationToken>abc=</NextContinuationToken>
             <Contents><Key>shop/a&amp;b</Key><Size>7</Size></Contents>
             <Contents><Key>shop/c</Key><Size>0</Size></Contents></ListBucketResult>"
        );
        let objects = vec![("shop/a&b".to_owned(), 7), ("shop/c".to_owned(), 0)];
        assert_eq!(listed(&page).unwrap(), Listed { objects, next: Some("abc=".to_owned()) });
        let last = format!("<ListBucketResult {NAMESPACE}/>");
        assert_eq!(listed(&last).unwrap(), Listed::default());
        for strange in ["", "<html/>", "<ListBucketResult><Contents/></ListBucketResult>"] {
            assert!(listed(strange).is_err(), "{strange}");
        }
    }

    #[test]
    fn only_uploads_of_the_very_key_are_told() {
        let page = format!(
            "<ListMultipartUploadsResult {NAMESPACE}>
             <Upload><Key>a/1</Key><UploadId>one</UploadId></Upload>
             <Upload><Key>a/12</Key><UploadId>two</UploadId></Upload></ListMultipartUploadsResult>"
        );
        assert_eq!(uploads(&page, "a/1").unwrap(), ["one"]);
    }

    #[test]
    fn a_completion_is_only_what_says_so() {
        let done = format!(
            "<CompleteMultipartUploadResult {NAMESPACE}><ETag>x</ETag></CompleteMultipartUploadResult>"
        );
        assert!(is_completed(done.as_bytes()));
        let error = b"<Error><Code>InternalError</Code></Error>";
        assert!(!is_completed(error));
        assert_eq!(code(std::str::from_utf8(error).unwrap()).as_deref(), Some("InternalError"));
    }

    #[test]
    fn parts_are_numbered_from_one() {
        let tags = ["\"a\"".to_owned(), "<b>".to_owned()];
        assert_eq!(
            parts(&tags),
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>\
             <Part><PartNumber>2</PartNumber><ETag>&lt;b&gt;</ETag></Part></CompleteMultipartUpload>"
        );
    }
}
