//! The blocks of a case's file, and how bytes are written in them.

/// A line `-- keyword argument` and the text below it.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) keyword: String,
    pub(crate) argument: String,
    pub(crate) text: String,
}

impl Block {
    /// Reads the blocks of a text; remarks before the first are dropped, an empty last line too.
    pub(crate) fn parse_all(text: &str) -> Vec<Self> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        format!("\n{text}").split("\n-- ").skip(1).map(Self::parse).collect()
    }

    fn parse(part: &str) -> Self {
        let (head, text) = match part.split_once('\n') {
            Some((head, text)) => (head, format!("{text}\n")),
            None => (part, String::new()),
        };
        let (keyword, argument) = head.split_once(' ').unwrap_or((head, ""));
        Self { keyword: keyword.to_owned(), argument: argument.trim().to_owned(), text }
    }
}

/// Returns the bytes that a block stands for: CR LF for each line end, unless `\` precedes it.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\n' => out.extend(b"\r\n"),
            b'\\' => match bytes.next() {
                Some(b'\n') | None => {}
                Some(b'n') => out.push(b'\n'),
                Some(b'r') => out.push(b'\r'),
                Some(b't') => out.push(b'\t'),
                Some(b'x') => {
                    let digits = [bytes.next(), bytes.next()].map(|digit| digit.unwrap_or(b'0'));
                    let digits = String::from_utf8_lossy(&digits).into_owned();
                    out.push(u8::from_str_radix(&digits, 16).expect("\\x takes two hex digits"));
                }
                Some(other) => out.push(other),
            },
            other => out.push(other),
        }
    }
    out
}

/// Returns the text of a block that stands for these bytes.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\r' if bytes.get(at) == Some(&b'\n') => {
                out.push('\n');
                at += 1;
            }
            b'\r' => out.push_str("\\r"),
            b'\n' => out.push_str("\\n\\\n"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str("\\\n");
    }
    out
}
