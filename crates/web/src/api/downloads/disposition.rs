//! The name under which a download is saved (RFC 6266).

use std::fmt::Write;

/// `attachment` with the name twice: in ASCII for old programs, and whole (RFC 8187) for others.
pub fn attachment(name: &str) -> String {
    let safe =
        |c: char| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' };
    let plain: String = name.chars().map(safe).collect();
    let mut value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_whole_and_plain() {
        assert_eq!(
            attachment("tool-1.2.tar.gz"),
            "attachment; filename=\"tool-1.2.tar.gz\"; filename*=UTF-8''tool-1.2.tar.gz"
        );
        assert_eq!(
            attachment("Übersicht 50%\"\r\n.pdf"),
            "attachment; filename=\"_bersicht 50____.pdf\"; filename*=UTF-8''%C3%9Cbersicht%2050%25%22%0D%0A.pdf"
        );
    }
}
