//! Catalogues of messages, in the format of gettext's PO files: what translators' tools read and write.
//!
//! Of the format that much: comments, `msgid`, `msgid_plural`, `msgstr` and `msgstr[n]`, strings over several lines, and the
//! escapes `\n`, `\"` and `\\`. The entry with an empty `msgid` is the file's own head.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use scrip_domain::language::Language;

/// What a text is in another language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The only form, or that of one thing.
    pub one: String,
    /// That of several things.
    pub many: Option<String>,
    /// The English of `many`.
    pub plural: Option<String>,
}

/// A language's texts, by the English ones.
pub type Catalogue = BTreeMap<String, Entry>;

/// The file of German.
pub const GERMAN: &str = include_str!("de.po");

/// The catalogue of a language; English needs none.
pub fn of(language: Language) -> Option<&'static Catalogue> {
    static OF_GERMAN: LazyLock<Catalogue> =
        LazyLock::new(|| read(GERMAN).into_iter().flatten().collect());
    match language {
        Language::English => None,
        Language::German => Some(&OF_GERMAN),
    }
}

/// Every entry of a file, in its order; an error names the line that is none.
pub fn read(file: &str) -> Vec<Result<(String, Entry), usize>> {
    let mut read = Vec::new();
    let (mut key, mut entry, mut at) = (String::new(), Entry::default(), Field::Str);
    for (number, line) in (1..).zip(file.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (field, quoted) = match line.split_once(' ') {
            Some(("msgid", quoted)) => (Field::Id, quoted),
            Some(("msgid_plural", quoted)) => (Field::Plural, quoted),
            Some(("msgstr" | "msgstr[0]", quoted)) => (Field::Str, quoted),
            Some(("msgstr[1]", quoted)) => (Field::Many, quoted),
            _ => (at, line),
        };
        let Some(text) = unquoted(quoted) else {
            read.push(Err(number));
            continue;
        };
        if field == Field::Id && at != Field::Id {
            finish(&mut read, &mut key, &mut entry);
        }
        at = field;
        match field {
            Field::Id => key.push_str(&text),
            Field::Plural => entry.plural.get_or_insert_default().push_str(&text),
            Field::Str => entry.one.push_str(&text),
            Field::Many => entry.many.get_or_insert_default().push_str(&text),
        }
    }
    finish(&mut read, &mut key, &mut entry);
    read
}

/// Which string of an entry is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    Plural,
    Str,
    Many,
}

/// An entry that nobody has translated yet is left out: its text stays English.
fn finish(read: &mut Vec<Result<(String, Entry), usize>>, key: &mut String, entry: &mut Entry) {
    let (key, entry) = (std::mem::take(key), std::mem::take(entry));
    if !key.is_empty() && !entry.one.is_empty() {
        read.push(Ok((key, entry)));
    }
}

/// What a quoted string says.
fn unquoted(quoted: &str) -> Option<String> {
    let inner = quoted.trim().strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::with_capacity(inner.len());
    let mut signs = inner.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => text.push(match signs.next()? {
                'n' => '\n',
                other => other,
            }),
            '"' => return None,
            sign => text.push(sign),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read() {
        let file = "# head\nmsgid \"\"\nmsgstr \"Language: de\\n\"\n\nmsgid \"Say \\\"a\\\"\"\n\
                    msgstr \"\"\n\"Sagen Sie \"\n\"\\\"a\\\"\"\n\nmsgid \"one\"\nmsgid_plural \"{count}\"\n\
                    msgstr[0] \"eins\"\nmsgstr[1] \"{count} viele\"\n\nmsgid \"later\"\nmsgstr \"\"\n";
        let read: Vec<_> = read(file).into_iter().map(Result::unwrap).collect();
        let said = Entry { one: "Sagen Sie \"a\"".to_owned(), ..Entry::default() };
        let several = Entry {
            one: "eins".to_owned(),
            many: Some("{count} viele".to_owned()),
            plural: Some("{count}".to_owned()),
        };
        assert_eq!(read, [("Say \"a\"".to_owned(), said), ("one".to_owned(), several)]);
    }

    #[test]
    fn what_is_no_string_is_named_by_its_line() {
        let file = "msgid \"a\"\nmsgstr \"b\" c\nmsgctxt x\n\"d\" \"e\"\n";
        let wrong: Vec<_> = read(file).into_iter().filter_map(Result::err).collect();
        assert_eq!(wrong, [2, 3, 4]);
    }
}
