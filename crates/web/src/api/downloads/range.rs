//! Byte ranges (RFC 9110, section 14).
//!
//! One part is sent at most. Several ranges that overlap or touch make one part; several apart are
//! answered with the whole file, as section 14.2 permits: no multipart bodies, and no way to make a
//! small request cost a large answer many times over. What is not a range at all is ignored.

use std::ops::Range;

/// More ranges than these in one header are an attack, not a resume.
const MAX_RANGES: usize = 32;

/// Which part of a file is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it: 200.
    Whole,
    /// These bytes: 206. Never empty.
    Of(Range<u64>),
    /// None of the bytes asked for are there: 416.
    Nothing,
}

/// The part of a file of `size` bytes that the value of a `Range` header asks for.
pub fn choose(header: &[u8], size: u64) -> Part {
    let Some(mut ranges) = parse(header, size) else { return Part::Whole };
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut ranges = ranges.into_iter();
    let Some(mut part) = ranges.next() else { return Part::Nothing };
    for range in ranges {
        if range.start > part.end {
            return Part::Whole;
        }
        part.end = part.end.max(range.end);
    }
    // A suffix of an empty file is all of it, and no Content-Range can say so.
    if part.is_empty() { Part::Whole } else { Part::Of(part) }
}

/// The ranges that can be satisfied; `None` when the header is no list of byte ranges.
fn parse(header: &[u8], size: u64) -> Option<Vec<Range<u64>>> {
    let (unit, list) = std::str::from_utf8(header).ok()?.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || list.split(',').count() > MAX_RANGES {
        return None;
    }
    let specs = list.split(',').map(|spec| spec.trim_matches([' ', '\t']));
    let mut specs = specs.filter(|spec| !spec.is_empty()).peekable();
    specs.peek()?;
    let mut ranges = Vec::new();
    for spec in specs {
        match one(spec, size) {
            Ok(range) => ranges.push(range),
            Err(Unfit::NotThere) => {}
            Err(Unfit::NotARange) => return None,
        }
    }
    Some(ranges)
}

/// Why a range chooses nothing.
enum Unfit {
    /// It is well formed, but past the end.
    NotThere,
    /// It is not well formed.
    NotARange,
}

/// One range of a list.
fn one(spec: &str, size: u64) -> Result<Range<u64>, Unfit> {
    let (first, last) = spec.split_once('-').ok_or(Unfit::NotARange)?;
    if first.is_empty() {
        let count = number(last)?;
        return if count > 0 { Ok(size.saturating_sub(count)..size) } else { Err(Unfit::NotThere) };
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return Err(Unfit::NotARange);
    }
    if first < size { Ok(first..last.saturating_add(1).min(size)) } else { Err(Unfit::NotThere) }
}

/// A number; beyond 64 bits it is past the end of every file.
fn number(digits: &str) -> Result<u64, Unfit> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if is_number { Ok(digits.parse().unwrap_or(u64::MAX)) } else { Err(Unfit::NotARange) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str) -> Part {
        choose(header.as_bytes(), 1000)
    }

    #[test]
    fn one_range_in_each_form() {
        for (header, bytes) in [
            ("bytes=0-499", 0..500),
            ("bytes=500-999", 500..1000),
            ("bytes=0-0", 0..1),
            ("bytes=999-", 999..1000),
            ("bytes=0-", 0..1000),
            ("bytes=-1", 999..1000),
            ("bytes=-5000", 0..1000),
            ("bytes=500-99999999999999999999999", 500..1000),
            ("bytes=-99999999999999999999999", 0..1000),
            ("BYTES= 7-8 ", 7..9),
            ("bytes=,7-8,", 7..9),
            ("bytes=2000-3000, 5-6", 5..7),
        ] {
            assert_eq!(of(header), Part::Of(bytes), "{header}");
        }
    }

    #[test]
    fn several_are_one_part_or_the_whole() {
        assert_eq!(of("bytes=0-9,10-19"), Part::Of(0..20));
        assert_eq!(of("bytes=100-199, 50-149,-850"), Part::Of(50..1000));
        assert_eq!(of("bytes=0-9,11-19"), Part::Whole);
        assert_eq!(of(&format!("bytes=0-1{}", ",0-1".repeat(MAX_RANGES))), Part::Whole);
    }

    #[test]
    fn what_is_not_there_is_told_from_what_is_not_a_range() {
        for header in ["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=9999-, -0"] {
            assert_eq!(of(header), Part::Nothing, "{header}");
        }
        for header in [
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=5",
            "bytes=5-4",
            "bytes=a-b",
            "lines=0-1",
            "bytes=+1-2",
            "bytes=0x1-2",
            "bytes=1-2-3",
            "bytes=1 - 2",
            "bytes=0-1,x",
            "",
        ] {
            assert_eq!(of(header), Part::Whole, "{header:?}");
        }
        assert_eq!(choose(b"bytes=0-", 0), Part::Nothing);
        assert_eq!(choose(b"bytes=-1", 0), Part::Whole);
        assert_eq!(choose(b"bytes=\xff", 1000), Part::Whole);
    }
}
