//! What scripts ask others with: the HTTP client, and queues to each other.

use super::Class;
use super::Contexts;
use super::Entry;
use super::method;

pub(super) const HTTP_CLIENT: Class = Class {
    name: "HTTPClient",
    how: "`core.httpclient()`: a client for any number of requests. Each method takes a table with \
          `url`, and may find `headers`, `body` (a string, or a function that gives pieces), `dst`, \
          `timeout`, `retries`, `ssl` (for `https`: `sni`, `verify`, `ca`), `sink` and `stream` \
          there. It gives a table with `status`, `reason`, \
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

pub(super) const QUEUE: Class = Class {
    name: "Queue",
    how: "`core.queue()`: what the calls of one state hand to each other, first in, first out.",
    at: Contexts::ANYWHERE,
    entries: QUEUE_ENTRIES,
};

#[rustfmt::skip]
const QUEUE_ENTRIES: &[Entry] = &[
    method("alarm", "", "boolean", "lets `core.wait` of this call end when something is pushed"),
    method("pop", "", "any", "takes what was pushed first; nil where there is nothing"),
    method("pop_wait", "", "any", "takes what was pushed first, when there is something").at(Contexts::WAITING),
    method("push", "item: any", "boolean", "adds anything but nil").raises("`the item must not be nil`"),
    method("size", "", "integer", "gives how many there are"),
];
