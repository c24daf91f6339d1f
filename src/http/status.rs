//! Statuses: their reasons, and the answers HAProxy has built in.

use super::Response;
use super::Text;

/// The statuses for which there is a built-in answer.
pub fn codes() -> impl Iterator<Item = u16> {
    PAGES.iter().map(|page| page.status)
}

/// Returns the built-in answer of a status as rules and streams send it, with its body.
///
/// Its headers are HAProxy's, so `connection: close` is among those of 400 and 408.
pub fn answer(status: u16) -> Option<(Response, Text)> {
    let page = find(status)?;
    let body = page.body();
    let mut response = Response::new(status);
    response.reason = Text::from_static(page.reason.as_bytes());
    response.headers.add("content-length", body.len().to_string());
    response.headers.add("cache-control", "no-cache");
    response.headers.add("content-type", "text/html");
    if page.closes() {
        response.headers.add("connection", "close");
    }
    Some((response, body))
}

/// Returns the bytes with which HAProxy answers where there is no request to be answered: it was
/// refused, or it did not come in time.
pub fn raw(status: u16) -> Option<Text> {
    let page = find(status)?;
    let body = page.body();
    let close = if page.closes() { "Connection: close\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-length: {}\r\nCache-Control: no-cache\r\n{close}\
         Content-Type: text/html\r\n\r\n",
        page.reason,
        body.len(),
    );
    Some([head.as_bytes(), &body].concat().into())
}

/// An answer that is built in.
#[derive(Debug)]
struct Page {
    status: u16,
    reason: &'static str,
    text: &'static str,
}

impl Page {
    fn body(&self) -> Text {
        let Self { status, reason, text } = self;
        format!("<html><body><h1>{status} {reason}</h1>\n{text}\n</body></html>\n").into()
    }

    /// Says whether the client is told that nothing more can be read from it.
    fn closes(&self) -> bool {
        matches!(self.status, 400 | 408)
    }
}

const PAGES: &[Page] = &[
    Page { status: 200, reason: "OK", text: "Service ready." },
    Page { status: 400, reason: "Bad request", text: "Your browser sent an invalid request." },
    Page {
        status: 401,
        reason: "Unauthorized",
        text: "You need a valid user and password to access this content.",
    },
    Page { status: 403, reason: "Forbidden", text: "Request forbidden by administrative rules." },
    Page { status: 404, reason: "Not Found", text: "The resource could not be found." },
    Page {
        status: 405,
        reason: "Method Not Allowed",
        text: "A request was made of a resource using a request method not supported by that resource",
    },
    Page {
        status: 407,
        reason: "Unauthorized",
        text: "You need a valid user and password to access this content.",
    },
    Page {
        status: 408,
        reason: "Request Time-out",
        text: "Your browser didn't send a complete request in time.",
    },
    Page {
        status: 410,
        reason: "Gone",
        text: "The resource is no longer available and will not be available again.",
    },
    Page {
        status: 413,
        reason: "Payload Too Large",
        text: "The request entity exceeds the maximum allowed.",
    },
    Page {
        status: 421,
        reason: "Misdirected Request",
        text: "Request sent to a non-authoritative server.",
    },
    Page {
        status: 422,
        reason: "Unprocessable Content",
        text: "The server cannot process the contained instructions.",
    },
    Page { status: 425, reason: "Too Early", text: "Your browser sent early data." },
    Page {
        status: 429,
        reason: "Too Many Requests",
        text: "You have sent too many requests in a given amount of time.",
    },
    Page {
        status: 500,
        reason: "Internal Server Error",
        text: "An internal server error occurred.",
    },
    Page {
        status: 501,
        reason: "Not Implemented",
        text: ".The server does not support the functionality required to fulfill the request.",
    },
    Page {
        status: 502,
        reason: "Bad Gateway",
        text: "The server returned an invalid or incomplete response.",
    },
    Page {
        status: 503,
        reason: "Service Unavailable",
        text: "No server is available to handle this request.",
    },
    Page { status: 504, reason: "Gateway Time-out", text: "The server didn't respond in time." },
];

fn find(status: u16) -> Option<&'static Page> {
    let index = PAGES.binary_search_by_key(&status, |page| page.status).ok()?;
    PAGES.get(index)
}

/// Reasons as HAProxy writes them where it builds a response; sorted.
const REASONS: &[(u16, &str)] = &[
    (100, "Continue"),
    (101, "Switching Protocols"),
    (102, "Processing"),
    (103, "Early Hints"),
    (200, "OK"),
    (201, "Created"),
    (202, "Accepted"),
    (203, "Non-Authoritative Information"),
    (204, "No Content"),
    (205, "Reset Content"),
    (206, "Partial Content"),
    (207, "Multi-Status"),
    (210, "Content Different"),
    (226, "IM Used"),
    (300, "Multiple Choices"),
    (301, "Moved Permanently"),
    (302, "Moved Temporarily"),
    (303, "See Other"),
    (304, "Not Modified"),
    (305, "Use Proxy"),
    (307, "Temporary Redirect"),
    (308, "Permanent Redirect"),
    (310, "Too many Redirects"),
    (400, "Bad Request"),
    (401, "Unauthorized"),
    (402, "Payment Required"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (405, "Method Not Allowed"),
    (406, "Not Acceptable"),
    (407, "Proxy Authentication Required"),
    (408, "Request Time-out"),
    (409, "Conflict"),
    (410, "Gone"),
    (411, "Length Required"),
    (412, "Precondition Failed"),
    (413, "Request Entity Too Large"),
    (414, "Request-URI Too Long"),
    (415, "Unsupported Media Type"),
    (416, "Requested range unsatisfiable"),
    (417, "Expectation failed"),
    (418, "I'm a teapot"),
    (421, "Misdirected Request"),
    (422, "Unprocessable Content"),
    (423, "Locked"),
    (424, "Method failure"),
    (425, "Too Early"),
    (426, "Upgrade Required"),
    (428, "Precondition Required"),
    (429, "Too Many Requests"),
    (431, "Request Header Fields Too Large"),
    (449, "Retry With"),
    (450, "Blocked by Windows Parental Controls"),
    (451, "Unavailable For Legal Reasons"),
    (456, "Unrecoverable Error"),
    (499, "client has closed connection"),
    (500, "Internal Server Error"),
    (501, "Not Implemented"),
    (502, "Bad Gateway or Proxy Error"),
    (503, "Service Unavailable"),
    (504, "Gateway Time-out"),
    (505, "HTTP Version not supported"),
    (506, "Variant also negotiate"),
    (507, "Insufficient storage"),
    (508, "Loop detected"),
    (509, "Bandwidth Limit Exceeded"),
    (510, "Not extended"),
    (511, "Network authentication required"),
    (520, "Web server is returning an unknown error"),
];

/// Returns the usual reason of a status.
pub fn reason(status: u16) -> &'static str {
    let index = REASONS.binary_search_by_key(&status, |row| row.0).ok();
    index.and_then(|index| REASONS.get(index)).map_or_else(|| class(status), |row| row.1)
}

fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "Informational",
        200..=299 => "Success",
        300..=399 => "Redirection",
        400..=499 => "Client Error",
        500..=599 => "Server Error",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::http::h1;

    /// The lengths that haproxy 2.6 announces.
    const LENGTHS: &[(u16, &str)] = &[
        (200, "58"),
        (400, "90"),
        (401, "112"),
        (403, "93"),
        (404, "83"),
        (405, "146"),
        (407, "112"),
        (408, "110"),
        (410, "114"),
        (413, "106"),
        (421, "104"),
        (422, "116"),
        (425, "80"),
        (429, "117"),
        (500, "97"),
        (501, "136"),
        (502, "107"),
        (503, "107"),
        (504, "92"),
    ];

    #[test]
    fn tables_are_sorted() {
        assert!(REASONS.is_sorted_by_key(|row| row.0));
        assert!(codes().is_sorted());
    }

    #[test]
    fn a_status_without_a_reason_has_that_of_its_class() {
        for (status, expected) in [
            (200, "OK"),
            (302, "Moved Temporarily"),
            (520, "Web server is returning an unknown error"),
            (199, "Informational"),
            (299, "Success"),
            (399, "Redirection"),
            (499, "client has closed connection"),
            (498, "Client Error"),
            (599, "Server Error"),
            (600, "Other"),
            (0, "Other"),
        ] {
            assert_eq!(reason(status), expected, "{status}");
        }
    }

    #[test]
    fn answers_are_as_long_as_those_of_haproxy() {
        assert!(codes().eq(LENGTHS.iter().map(|row| row.0)));
        for (status, length) in LENGTHS {
            let (response, body) = answer(*status).unwrap();
            assert_eq!(response.headers.first("content-length").unwrap(), *length, "{status}");
            assert_eq!(body.len().to_string(), *length, "{status}");
        }
        assert!(answer(418).is_none() && raw(418).is_none());
    }

    #[test]
    fn answers_are_those_of_haproxy_byte_for_byte() {
        let mut out = BytesMut::new();
        let (response, body) = answer(400).unwrap();
        h1::write_response(&response, &mut out);
        out.extend_from_slice(&body);
        assert_eq!(
            out,
            "HTTP/1.1 400 Bad request\r\ncontent-length: 90\r\ncache-control: no-cache\r\n\
             content-type: text/html\r\nconnection: close\r\n\r\n\
             <html><body><h1>400 Bad request</h1>\n\
             Your browser sent an invalid request.\n</body></html>\n"
        );
        assert_eq!(
            raw(408).unwrap(),
            "HTTP/1.1 408 Request Time-out\r\nContent-length: 110\r\nCache-Control: no-cache\r\n\
             Connection: close\r\nContent-Type: text/html\r\n\r\n\
             <html><body><h1>408 Request Time-out</h1>\n\
             Your browser didn't send a complete request in time.\n</body></html>\n"
        );
        assert_eq!(
            raw(422).unwrap(),
            "HTTP/1.1 422 Unprocessable Content\r\nContent-length: 116\r\n\
             Cache-Control: no-cache\r\nContent-Type: text/html\r\n\r\n\
             <html><body><h1>422 Unprocessable Content</h1>\n\
             The server cannot process the contained instructions.\n</body></html>\n"
        );
    }
}
