//! `AppletHTTP` and `AppletTCP`.

use super::Class;
use super::Contexts;
use super::Entry;
use super::field;
use super::method;

pub(super) const HTTP: Class = Class {
    name: "AppletHTTP",
    how: "What a service of the mode `http` gets: a request, and how to answer it.",
    at: Contexts::SERVICE,
    entries: HTTP_ENTRIES,
};

#[rustfmt::skip]
const HTTP_ENTRIES: &[Entry] = &[
    method("add_header", "name: string, value: string", "", "adds a header to the response"),
    field("c", "Converters", "as `txn.c`"),
    field("f", "Fetches", "as `txn.f`"),
    method("get_priv", "", "any", "as `txn:get_priv`"),
    method("get_var", "name: string", "string|number|boolean|nil", "as `txn:get_var`"),
    method("getline", "", "string", "reads a line of the body, waiting for it; empty at the end"),
    field("headers", "table<string, table<integer, string>>", "the headers of the request by lower-case name, each list counted from 0"),
    field("length", "integer?", "the length of the body, where the request says it"),
    field("method", "string", "the method"),
    field("path", "string", "the path"),
    field("qs", "string", "the query"),
    method("receive", "size?: integer, timeout?: integer", "string", "reads the body: all of it or so many bytes, for so many milliseconds at most"),
    field("sc", "Converters", "as `txn.sc`"),
    method("send", "data: string", "integer", "sends a part of the body, waiting for room; -1 where the client has gone")
        .raises("`'start_response' must be called before`"),
    method("set_priv", "value: any", "", "as `txn:set_priv`"),
    method("set_status", "status: integer, reason?: string", "boolean", "sets the status of the response"),
    method("set_var", "name: string, value: any, if_exist?: boolean", "boolean", "as `txn:set_var`"),
    field("sf", "Fetches", "as `txn.sf`"),
    method("start_response", "", "", "sends the head of the response").raises("where it was started before"),
    method("unset_var", "name: string", "boolean", "as `txn:unset_var`"),
    field("version", "string", "the version, such as `HTTP/1.1`"),
];

pub(super) const TCP: Class = Class {
    name: "AppletTCP",
    how: "What a service of the mode `tcp` gets: the client's connection.",
    at: Contexts::SERVICE,
    entries: TCP_ENTRIES,
};

#[rustfmt::skip]
const TCP_ENTRIES: &[Entry] = &[
    field("c", "Converters", "as `txn.c`"),
    field("f", "Fetches", "as `txn.f`"),
    method("get_priv", "", "any", "as `txn:get_priv`"),
    method("get_var", "name: string", "string|number|boolean|nil", "as `txn:get_var`"),
    method("getline", "", "string", "reads a line, waiting for it; empty at the end"),
    method("receive", "size?: integer, timeout?: integer", "string", "reads all there will be or so many bytes, for so many milliseconds at most"),
    field("sc", "Converters", "as `txn.sc`"),
    method("send", "data: string", "integer", "sends, waiting for room; -1 where the client has gone"),
    method("set_priv", "value: any", "", "as `txn:set_priv`"),
    method("set_var", "name: string, value: any, if_exist?: boolean", "boolean", "as `txn:set_var`"),
    field("sf", "Fetches", "as `txn.sf`"),
    method("try_receive", "", "string?", "gives what is there without waiting; nil at the end"),
    method("unset_var", "name: string", "boolean", "as `txn:unset_var`"),
];
