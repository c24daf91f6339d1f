//! What scripts ask others with: the HTTP client.

use super::Class;
use super::Contexts;
use super::Entry;
use super::method;

pub(super) const HTTP_CLIENT: Class = Class {
    name: "HTTPClient",
    how: "`core.httpclient()`: a client for any number of requests. Each method takes a table with \
          `url`, and may find `headers`, `body` (a string, or a function that gives pieces), `dst`, \
          `timeout`, `retries`, `sink` and `stream` there. It gives a table with `status`, `reason`, \
          `headers` and `body`; where there is no response, `status` is 0, `error` says why and \
          `phase` when: `connect`, `send`, `response` or `body`.",
    at: Contexts::WAITING,
    entries: ENTRIES,
};

#[rustfmt::skip]
const ENTRIES: &[Entry] = &[
    method("delete", "options: table<string, any>", "table<string, any>", "sends a DELETE request").raises(RAISES),
    method("get", "options: table<string, any>", "table<string, any>", "sends a GET request").raises(RAISES),
    method("head", "options: table<string, any>", "table<string, any>", "sends a HEAD request").raises(RAISES),
    method("post", "options: table<string, any>", "table<string, any>", "sends a POST request").raises(RAISES),
    method("put", "options: table<string, any>", "table<string, any>", "sends a PUT request").raises(RAISES),
    method("request", "options: table<string, any>", "table<string, any>", "sends a request of any method, `method` of the table; GET where there is none").raises(RAISES),
];

const RAISES: &str = "where the table has no `url`, or what cannot be sent";
