//! `TXN`, and what it leads to: `HTTP`, `Reply`, `Channel`.

use super::Class;
use super::Contexts;
use super::Entry;
use super::field;
use super::method;

pub(super) const TXN: Class = Class {
    name: "TXN",
    how: "What an action or a sample fetch gets first: the exchange it runs for. Each sample fetch \
          of the configuration is a method of it too (`txn:path()`), as in 2015.",
    at: Contexts::TXN,
    entries: TXN_ENTRIES,
};

#[rustfmt::skip]
const TXN_ENTRIES: &[Entry] = &[
    method("Alert", "message: string", "", "logs a message of the exchange at the level `alert`"),
    method("Debug", "message: string", "", "logs a message of the exchange at the level `debug`"),
    method("Info", "message: string", "", "logs a message of the exchange at the level `info`"),
    method("Warning", "message: string", "", "logs a message of the exchange at the level `warning`"),
    field("c", "Converters", "HAProxy's converters as methods; nil where one gives nothing"),
    method("close", "", "", "ends the exchange at once; what has not gone out is dropped").at(Contexts::ACTION),
    method("deflog", "message: string", "", "logs a message of the exchange at the level `info`"),
    method("done", "reply?: Reply|table", "", "ends the call and the exchange, with a reply where one is given; a fetch is ended alone"),
    field("f", "Fetches", "HAProxy's sample fetches as methods; nil where one gives nothing"),
    method("finish", "reply?: Reply|table", "", "the name of `done` of 2015"),
    method("get_headers", "", "table<string, string>", "gives the headers of the message, the last value of each name"),
    method("get_priv", "", "any", "gives what `set_priv` has kept"),
    method("get_req_buf", "", "Channel", "gives `txn.req`"),
    method("get_res_buf", "", "Channel", "gives `txn.res`"),
    method("get_var", "name: string", "string|number|boolean|nil", "gives a variable, such as `txn.name`"),
    field("http", "HTTP", "the messages' heads; nil in `mode tcp`"),
    method("log", "level: integer, message: string", "", "logs a message of the exchange at a level").raises("`Invalid loglevel.`"),
    method("reply", "fields?: {status?: integer, reason?: string, headers?: table, body?: string}", "Reply", "makes an answer for `txn:done`")
        .raises("`txn object is not an HTTP transaction.`; a status, reason or header that cannot be sent"),
    field("req", "Channel", "the bytes from the client to the server"),
    method("req_channel", "", "Channel", "gives `txn.req`"),
    field("res", "Channel", "the bytes from the server to the client"),
    method("res_channel", "", "Channel", "gives `txn.res`"),
    field("sc", "Converters", "HAProxy's converters as methods; an empty string where one gives nothing"),
    method("set_loglevel", "level: integer", "", "sets the level the exchange is logged at: 0 to 7, -1 is not at all"),
    method("set_priv", "value: any", "", "keeps a value with the exchange, for the scripts of this state"),
    method("set_var", "name: string, value: any, if_exist?: boolean", "boolean", "sets a variable; a table, a function or nil is false; with `if_exist`, one of `proc.` only if there is one"),
    field("sf", "Fetches", "HAProxy's sample fetches as methods; an empty string where one gives nothing"),
    method("unset_var", "name: string", "boolean", "removes a variable"),
];

pub(super) const HTTP: Class = Class {
    name: "HTTP",
    how: "`txn.http`: start lines and headers. What changes a message raises an error once that \
          message has gone out.",
    at: Contexts::TXN,
    entries: HTTP_ENTRIES,
};

#[rustfmt::skip]
const HTTP_ENTRIES: &[Entry] = &[
    method("redirect", "location: string", "", "answers 302 with this location and ends the exchange"),
    field("req", "HTTPReq", "the request under the names of 2015"),
    method("req_add_header", "name: string, value: string", "", "adds a header to the request"),
    method("req_del_header", "name: string", "", "removes all headers of a name from the request"),
    method("req_get_headers", "", "table<string, table<integer, string>>", "gives the headers of the request by lower-case name, each list counted from 0"),
    method("req_rep_header", "name: string, regex: string, replacement: string", "", "replaces in whole header values of the request"),
    method("req_rep_value", "name: string, regex: string, replacement: string", "", "replaces in each value of a list in headers of the request"),
    method("req_set_header", "name: string, value: string", "", "sets a header of the request in place of all of its name"),
    method("req_set_method", "method: string", "boolean", "sets the method"),
    method("req_set_path", "path: string", "boolean", "sets the path, keeping the query"),
    method("req_set_query", "query: string", "boolean", "sets the query"),
    method("req_set_uri", "uri: string", "boolean", "sets the whole URI"),
    field("res", "HTTPRes", "the response under the names of 2015"),
    method("res_add_header", "name: string, value: string", "", "adds a header to the response"),
    method("res_del_header", "name: string", "", "removes all headers of a name from the response"),
    method("res_get_headers", "", "table<string, table<integer, string>>", "gives the headers of the response by lower-case name, each list counted from 0"),
    method("res_rep_header", "name: string, regex: string, replacement: string", "", "replaces in whole header values of the response"),
    method("res_rep_value", "name: string, regex: string, replacement: string", "", "replaces in each value of a list in headers of the response"),
    method("res_set_header", "name: string, value: string", "", "sets a header of the response in place of all of its name"),
    method("res_set_status", "status: integer, reason?: string", "", "sets the status of the response"),
];

pub(super) const HTTP_REQ: Class = Class {
    name: "HTTPReq",
    how: "`txn.http.req`: the request, in the spelling of 2015. The first argument may be `txn` too \
          (`txn.http.req.set_header(txn, ..)`).",
    at: Contexts::TXN,
    entries: HTTP_REQ_ENTRIES,
};

#[rustfmt::skip]
const HTTP_REQ_ENTRIES: &[Entry] = &[
    method("add_header", "name: string, value: string", "", "`req_add_header`"),
    method("del_header", "name: string", "", "`req_del_header`"),
    method("get_headers", "", "table<string, table<integer, string>>", "`req_get_headers`"),
    method("rep_header", "name: string, regex: string, replacement: string", "", "`req_rep_header`"),
    method("rep_value", "name: string, regex: string, replacement: string", "", "`req_rep_value`"),
    method("replace_header", "name: string, regex: string, replacement: string", "", "`req_rep_header`"),
    method("replace_value", "name: string, regex: string, replacement: string", "", "`req_rep_value`"),
    method("set_header", "name: string, value: string", "", "`req_set_header`"),
    method("set_method", "method: string", "boolean", "`req_set_method`"),
    method("set_path", "path: string", "boolean", "`req_set_path`"),
    method("set_query", "query: string", "boolean", "`req_set_query`"),
    method("set_uri", "uri: string", "boolean", "`req_set_uri`"),
];

pub(super) const HTTP_RES: Class = Class {
    name: "HTTPRes",
    how: "`txn.http.res`: the response, in the spelling of 2015.",
    at: Contexts::TXN,
    entries: HTTP_RES_ENTRIES,
};

#[rustfmt::skip]
const HTTP_RES_ENTRIES: &[Entry] = &[
    method("add_header", "name: string, value: string", "", "`res_add_header`"),
    method("del_header", "name: string", "", "`res_del_header`"),
    method("get_headers", "", "table<string, table<integer, string>>", "`res_get_headers`"),
    method("rep_header", "name: string, regex: string, replacement: string", "", "`res_rep_header`"),
    method("rep_value", "name: string, regex: string, replacement: string", "", "`res_rep_value`"),
    method("replace_header", "name: string, regex: string, replacement: string", "", "`res_rep_header`"),
    method("replace_value", "name: string, regex: string, replacement: string", "", "`res_rep_value`"),
    method("set_header", "name: string, value: string", "", "`res_set_header`"),
    method("set_status", "status: integer, reason?: string", "", "`res_set_status`"),
];

pub(super) const REPLY: Class = Class {
    name: "Reply",
    how: "`txn:reply()`: an answer that a script makes; `txn:done(reply)` sends it.",
    at: Contexts::TXN,
    entries: REPLY_ENTRIES,
};

#[rustfmt::skip]
const REPLY_ENTRIES: &[Entry] = &[
    method("add_header", "name: string, value: string", "boolean", "adds a header"),
    field("body", "string", "the body"),
    method("del_header", "name: string", "boolean", "removes all headers of a name"),
    field("headers", "table<string, string|table<integer, string>>", "the headers, a value or a list for each name"),
    field("reason", "string", "the reason; empty is that of the status"),
    method("set_body", "body: string", "boolean", "sets the body"),
    method("set_status", "status: integer, reason?: string", "boolean", "sets the status, 100 to 599"),
    field("status", "integer", "the status"),
];

pub(super) const CHANNEL: Class = Class {
    name: "Channel",
    how: "`txn.req` and `txn.res`: the bytes of one direction. In `mode http` what touches the bytes \
          raises `Cannot manipulate HAProxy channels in HTTP mode.`",
    at: Contexts::TXN,
    entries: CHANNEL_ENTRIES,
};

#[rustfmt::skip]
const CHANNEL_ENTRIES: &[Entry] = &[
    method("append", "text: string", "integer", "puts text behind the input; -1 where it does not fit"),
    method("data", "offset?: integer, length?: integer", "string?", "gives input without taking or waiting; nil at the end"),
    method("dup", "", "string?", "gives all input there is, waiting for some where that is allowed, and leaves it"),
    method("forward", "length: integer", "integer", "passes so many bytes on, waiting for them where that is allowed"),
    method("get", "", "string?", "takes all input there is, waiting for some where that is allowed"),
    method("get_in_len", "", "integer", "the name of `input` of HAProxy 1.6"),
    method("get_in_length", "", "integer", "the name of `input` of 2015"),
    method("get_line", "", "string?", "the name of `getline` of 2015"),
    method("get_out_len", "", "integer", "the name of `output` of HAProxy 1.6"),
    method("get_out_length", "", "integer", "the name of `output` of 2015"),
    method("getline", "", "string?", "takes a line with its end, waiting for it where that is allowed"),
    method("input", "", "integer", "gives how many bytes of input there are"),
    method("insert", "text: string, offset?: integer", "integer", "puts text into the input; -1 where it does not fit"),
    method("is_full", "", "boolean", "says whether nothing more fits"),
    method("is_resp", "", "boolean", "says whether it is that of the response"),
    method("line", "offset?: integer, length?: integer", "string?", "gives a line of the input without taking or waiting; nil at the end"),
    method("may_recv", "", "boolean", "says whether more input may come"),
    method("output", "", "integer", "gives how many bytes are on their way out"),
    method("prepend", "text: string", "integer", "puts text before the input; -1 where it does not fit"),
    method("remove", "offset?: integer, length?: integer", "integer", "removes input"),
    method("send", "text: string", "integer", "sends text before the input, waiting for room where that is allowed; -1 where it cannot go out"),
    method("set", "text: string, offset?: integer, length?: integer", "integer", "replaces input; -1 where it does not fit"),
];
