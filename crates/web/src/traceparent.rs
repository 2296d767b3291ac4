//! To which trace a request belongs: the header `traceparent` (W3C Trace Context), read strictly and written.

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;

/// The header's name.
const TRACEPARENT: &str = "traceparent";

/// The longest that is looked at; of a later version there may be more than we know.
const LONGEST: usize = 512;

/// A span of somebody's, and the trace that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traceparent {
    /// The trace; never 0.
    pub trace: u128,
    /// The span; never 0.
    pub span: u64,
    /// Whether somebody keeps it.
    pub is_sampled: bool,
}

/// It is not a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotATraceparent;

impl Traceparent {
    /// The one of a request: none that is malformed, and none of several.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(TRACEPARENT).iter();
        let (Some(value), None) = (all.next(), all.next()) else { return None };
        value.to_str().ok()?.parse().ok()
    }
}

impl FromStr for Traceparent {
    type Err = NotATraceparent;

    fn from_str(text: &str) -> Result<Self, NotATraceparent> {
        let mut parts = text.splitn(5, '-');
        let mut part = |length| {
            let part = parts.next().filter(|part| part.len() == length).ok_or(NotATraceparent)?;
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            if part.bytes().all(is_hex) { Ok(part) } else { Err(NotATraceparent) }
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // A later version may say more after it, and this much means the same.
        let has_more = parts.next().is_some();
        if version == "ff" || (version == "00" && has_more) || text.len() > LONGEST {
            return Err(NotATraceparent);
        }
        let wrong = |_| NotATraceparent;
        let trace = u128::from_str_radix(trace, 16).map_err(wrong)?;
        let span = u64::from_str_radix(span, 16).map_err(wrong)?;
        let flags = u8::from_str_radix(flags, 16).map_err(wrong)?;
        if trace == 0 || span == 0 {
            return Err(NotATraceparent);
        }
        Ok(Self { trace, span, is_sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span, is_sampled } = self;
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", u8::from(*is_sampled))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(text: &str) -> Option<Traceparent> {
        text.parse().ok()
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let read = read(GOOD).unwrap();
        assert_eq!(read.trace, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((read.span, read.is_sampled), (0x00f0_67aa_0ba9_02b7, true));
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        for bad in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_later_version_says_as_much_and_perhaps_more() {
        assert_eq!(read(&GOOD.replacen("00", "cc", 1)), read(GOOD));
        assert_eq!(read(&format!("{}-what-else", GOOD.replacen("00", "cc", 1))), read(GOOD));
        let long = format!("{}-{}", GOOD.replacen("00", "cc", 1), "x".repeat(LONGEST));
        assert_eq!(read(&long), None);
    }

    #[test]
    fn of_several_none_is_believed() {
        let mut headers = HeaderMap::new();
        assert_eq!(Traceparent::of(&headers), None);
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(Traceparent::of(&headers), read(GOOD));
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(Traceparent::of(&headers), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace in 1_u128.., span in 1_u64.., is_sampled: bool) {
            let written = Traceparent { trace, span, is_sampled };
            prop_assert_eq!(written.to_string().parse(), Ok(written));
            prop_assert_eq!(written.to_string().len(), 55);
        }

        #[test]
        fn of_flags_only_the_first_is_known(flags: u8) {
            let text = format!("{}{flags:02x}", &GOOD[..53]);
            prop_assert_eq!(read(&text).unwrap().is_sampled, flags & 1 == 1);
        }

        #[test]
        fn whatever_is_read_is_written_alike(text in "(00-[0-9a-f]{32}-[0-9a-f]{16}-0[01])|\\PC{0,80}") {
            if let Some(read) = read(&text) {
                prop_assert_eq!(read.to_string(), text);
            }
        }

        /// One letter more, less or other never panics, and is read as what it says or not at all.
        #[test]
        fn one_letter_changed(at in 0..55_usize, letter in "[0-9a-zA-Z -]") {
            let changed = format!("{}{letter}{}", &GOOD[..at], &GOOD[at + 1..]);
            if let Some(read) = read(&changed) {
                let rest = read.to_string();
                prop_assert_eq!(&rest[3..53], &changed[3..53]);
            }
        }
    }
}
