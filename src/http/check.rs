//! What may stand in a message that is built here: used by rules and by scripts.

/// Says whether this can be a method: a token (RFC 9110 9.1).
pub fn method(text: &[u8]) -> bool {
    is_token(text)
}

/// Says whether this can be a header's name: a token (RFC 9110 5.1).
pub fn name(text: &[u8]) -> bool {
    is_token(text)
}

/// Says whether this can be a header's value: no line end and no NUL (RFC 9110 5.5).
pub fn value(text: &[u8]) -> bool {
    memchr::memchr3(b'\r', b'\n', 0, text).is_none()
}

/// Says whether this can be a request's target: visible ASCII, at least one byte.
pub fn uri(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_graphic)
}

/// Says whether this can be a response's reason: no control character but the tab.
pub fn reason(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte == b'\t' || !byte.is_ascii_control())
}

/// Says whether this can be a response's status.
pub fn status(status: u16) -> bool {
    (100..=999).contains(&status)
}

/// Says whether this is a token: at least one byte, no delimiter (RFC 9110 5.6.2).
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

/// Says whether this byte may stand in a token.
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens() {
        for good in ["a", "X-Forwarded-For", "!#$%&'*+-.^_`|~09"] {
            assert!(name(good.as_bytes()), "{good}");
        }
        for bad in
            [&b""[..], b" a", b"a ", b"a:", b"a\tb", b"a\r", b"a\nb", b"a\0", b"\xe9", b"(a)"]
        {
            assert!(!name(bad), "{bad:?}");
        }
    }

    #[test]
    fn values_cannot_end_their_line() {
        assert!(value(b"") && value(b"a b\t\xe9\x01"));
        for bad in [&b"a\r\nb: c"[..], b"a\nb", b"a\r", b"\0"] {
            assert!(!value(bad), "{bad:?}");
        }
    }

    #[test]
    fn targets_are_visible_ascii() {
        assert!(uri(b"/a?b#c") && uri(b"*") && uri(b"http://a/"));
        for bad in [&b""[..], b"/a b", b"/\r\n", b"/\0", b"/\x7f", b"/\xe9"] {
            assert!(!uri(bad), "{bad:?}");
        }
    }

    #[test]
    fn reasons_stay_on_their_line() {
        assert!(reason(b"") && reason(b"Not Found") && reason(b"caf\xe9"));
        assert!(!reason(b"a\r\nb") && !reason(b"\0") && !reason(b"\x7f"));
    }
}
