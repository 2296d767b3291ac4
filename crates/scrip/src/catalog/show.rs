//! A difference in words, before anything is done about it.

use std::fmt::Write as _;

use super::diff::{Act, Difference, PartChange, ProductChange};
use super::{Catalog, Object};

/// The difference as a list, a product a line and what changes within below it.
pub fn difference(difference: &Difference, wanted: &Catalog) -> String {
    let mut text = String::new();
    for change in &difference.products {
        product(&mut text, change, wanted);
    }
    let of = |act| difference.count(act);
    let (new, changed, gone) = (of(Act::Add), of(Act::Change), of(Act::Remove));
    let _ = write!(text, "\n{new} new, {changed} changed, {gone} to archive");
    text
}

/// What will be sent, such as `3 files, 1.2 MB, to upload`.
pub fn uploads<'a>(objects: impl IntoIterator<Item = &'a Object>) -> String {
    let (count, bytes) =
        objects.into_iter().fold((0_u64, 0), |(count, bytes), one| (count + 1, bytes + one.size));
    match count {
        0 => "nothing to upload".to_owned(),
        1 => format!("1 file, {}, to upload", size(bytes)),
        _ => format!("{count} files, {}, to upload", size(bytes)),
    }
}

fn product(text: &mut String, change: &ProductChange, wanted: &Catalog) {
    let slug = &change.slug;
    match change.act {
        Act::Add => {
            let title = wanted.product(slug).map_or("", |product| &product.fields.title);
            let _ = writeln!(text, "+ {slug}  {title}");
        }
        Act::Change => {
            let _ = writeln!(text, "~ {slug}  {}", own_changes(change).join(", "));
        }
        Act::Remove => {
            let _ = writeln!(text, "- {slug}  archived: the folder has it no more");
        }
    }
    change.offers.iter().for_each(|part| line(text, "offer", part, "withdrawn"));
    change.releases.iter().for_each(|part| line(text, "release", part, ""));
}

/// The product's own fields that become different, its state among them.
fn own_changes(change: &ProductChange) -> Vec<String> {
    let mut fields: Vec<String> = change.fields.iter().map(|field| (*field).to_owned()).collect();
    fields.extend(change.state.map(|state| format!("becomes {state}")));
    fields
}

fn line(text: &mut String, noun: &str, part: &PartChange, removed: &str) {
    let (sign, rest) = match part.act {
        Act::Add => ('+', String::new()),
        Act::Change => ('~', part.fields.join(", ")),
        Act::Remove => ('-', removed.to_owned()),
    };
    let line = format!("    {sign} {noun} {}  {rest}", part.name);
    let _ = writeln!(text, "{}", line.trim_end());
}

/// Bytes for people, in powers of ten like disks and networks.
pub fn size(bytes: u64) -> String {
    for (unit, name) in [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")] {
        if bytes >= unit {
            return format!("{}.{} {name}", bytes / unit, bytes % unit / (unit / 10));
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in
            [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (209_715_200, "209.7 MB")]
        {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn a_difference_reads_like_a_list() {
        let part = |name: &str, act, fields: &[&'static str]| PartChange {
            name: name.into(),
            act,
            fields: fields.to_vec(),
        };
        let change = |slug: &str, act, fields: &[&'static str], offers, releases| ProductChange {
            slug: slug.into(),
            act,
            fields: fields.to_vec(),
            state: None,
            offers,
            releases,
        };
        let offers =
            vec![part("month", Act::Change, &["price", "terms"]), part("old", Act::Remove, &[])];
        let releases = vec![part("stable/1.1", Act::Add, &[])];
        let products = vec![
            change("tides", Act::Change, &["title", "tags"], offers, releases),
            change("maps", Act::Remove, &[], vec![], vec![]),
        ];
        let all = Difference { products, impossible: vec![] };
        let expected = "~ tides  title, tags\n    ~ offer month  price, terms\n    \
             - offer old  withdrawn\n    + release stable/1.1\n\
             - maps  archived: the folder has it no more\n\n0 new, 1 changed, 1 to archive";
        assert_eq!(difference(&all, &Catalog::default()), expected);
    }
}
