//! `core` and `act`.

use super::Class;
use super::Contexts;
use super::Entry;
use super::function;
use super::value;

pub(super) const CORE: Class = Class {
    name: "core",
    how: "The global `core`: registration, time, scheduling, messages, sockets, maps.",
    at: Contexts::ANYWHERE,
    entries: CORE_ENTRIES,
};

#[rustfmt::skip]
const CORE_ENTRIES: &[Entry] = &[
    function("Alert", "message: string", "", "logs a message at the level `alert`"),
    function("Debug", "message: string", "", "logs a message at the level `debug`"),
    function("Info", "message: string", "", "logs a message at the level `info`"),
    function("Warning", "message: string", "", "logs a message at the level `warning`"),
    function("add_acl", "file: string, key: string", "", "adds an entry to the list of an ACL file of the configuration")
        .at(Contexts::NOT_BODY).raises("`unknown acl file` where no rule names the file"),
    value("alert", "integer", "the level `alert` of `core.log`"),
    function("asctime_date", "date: string", "integer?", "reads an HTTP date in the format of asctime; seconds since 1970"),
    value("backends", "table<string, Proxy>", "the backends of the configuration by name; known from init on"),
    function("concat", "", "Concat", "makes a string that grows without copies"),
    value("crit", "integer", "the level `crit` of `core.log`"),
    value("debug", "integer", "the level `debug` of `core.log`"),
    function("del_acl", "file: string, key: string", "", "removes an entry from the list of an ACL file")
        .at(Contexts::NOT_BODY).raises("`unknown acl file` where no rule names the file"),
    function("del_map", "file: string, key: string", "", "removes a key from a map file's entries")
        .at(Contexts::NOT_BODY).raises("`unknown acl file` where no rule names the file"),
    function("done", "result?: any", "", "ends the call with this result, however deep it is"),
    value("emerg", "integer", "the level `emerg` of `core.log`"),
    value("err", "integer", "the level `err` of `core.log`"),
    function("event_sub", "names: string[], run: fun(event: string, data: table<string, any>, sub: EventSub, when: number)", "EventSub", "has a function called when something happens to a server: `SERVER_UP`, `SERVER_DOWN`, `SERVER_STATE`, `SERVER_ADMIN`, `SERVER_INETADDR`, or `SERVER` for all")
        .raises("in a tenant's state"),
    value("frontends", "table<string, Proxy>", "the frontends of the configuration by name; known from init on"),
    function("get_info", "", "table<string, any>", "gives what `show info` shows, under HAProxy's names").at(Contexts::NOT_BODY)
        .raises("in a tenant's state"),
    function("get_patref", "name: string", "Patref", "gives the entries of a map or ACL file of the configuration").at(Contexts::NOT_BODY)
        .raises("`unknown pattern reference` where no rule names the file; in a tenant's state"),
    function("get_var", "name: string", "string|number|boolean|nil", "gives a variable of the process (`proc.name`)")
        .raises("`Only 'proc' scope allowed in this context`; in a tenant, always"),
    function("http_date", "date: string", "integer?", "reads an HTTP date in any of its formats; seconds since 1970"),
    function("httpclient", "", "HTTPClient", "makes a client for HTTP requests"),
    function("imf_date", "date: string", "integer?", "reads an HTTP date in the format of RFC 9110; seconds since 1970"),
    value("info", "integer", "the level `info` of `core.log`"),
    function("log", "level: integer, message: string", "", "logs a message at a level: `core.emerg` to `core.debug`, or not at all at `core.silent`")
        .raises("`Invalid loglevel.`"),
    function("match_addr", "one: userdata, other: userdata", "boolean", "says whether one of two addresses or networks contains the other"),
    function("msleep", "milliseconds: integer", "", "waits; others run meanwhile").at(Contexts::WAITING),
    value("notice", "integer", "the level `notice` of `core.log`"),
    function("now", "", "{sec: integer, usec: integer}", "gives the time at which the worker last woke up, since 1970"),
    function("parse_addr", "address: string", "userdata?", "reads an address or a network (`10.0.0.0/8`) for `core.match_addr`; nil where it is none"),
    value("proxies", "table<string, Proxy>", "all proxies of the configuration by name; known from init on"),
    function("queue", "", "Queue", "makes a queue"),
    function("register_action", "name: string, rules: string[], run: fun(txn: TXN, ...: string): integer?, arguments?: integer", "", "makes `lua.name` an action of the rule sets named (`tcp-req`, `tcp-res`, `http-req`, `http-res`, `http-after-res`), with as many arguments")
        .at(Contexts::BODY),
    function("register_cli", "path: string[], usage: string, run: fun(applet: AppletTCP, ...: string)", "", "makes some words a command of the runtime API (`stats socket`); the function gets all words of the line")
        .at(Contexts::BODY),
    function("register_converters", "name: string, run: fun(input: string, ...: string): any", "", "makes `lua.name` a converter")
        .at(Contexts::BODY),
    function("register_fetches", "name: string, run: fun(txn: TXN, ...: string): any", "", "makes `lua.name` a sample fetch")
        .at(Contexts::BODY),
    function("register_init", "run: fun()", "", "has a function called once the whole configuration is known").at(Contexts::BODY),
    function("register_service", "name: string, mode: \"http\"|\"tcp\", run: fun(applet: AppletHTTP|AppletTCP)", "", "makes `lua.name` a service (`use-service`)")
        .at(Contexts::BODY),
    function("register_task", "run: fun(...: any), ...: any", "", "starts a task of its own, with up to four arguments; what a body registers starts with the worker"),
    function("rfc850_date", "date: string", "integer?", "reads an HTTP date in the format of RFC 850; seconds since 1970"),
    function("set_map", "file: string, key: string, value: string", "", "sets the value of a key of a map file")
        .at(Contexts::NOT_BODY).raises("`unknown map file` where no rule names the file"),
    function("set_nice", "nice: integer", "", "sets how willingly the task or session gives way: -1024 (least) to 1024"),
    value("silent", "integer", "the level of `core.log` at which nothing is logged"),
    function("sleep", "seconds: integer", "", "waits; others run meanwhile").at(Contexts::WAITING),
    function("tcp", "", "Socket", "makes a socket").at(Contexts::NOT_BODY),
    value("thread", "integer", "the number of the state: 0 is that of `lua-load`"),
    function("tokenize", "text: string, separators: string, no_blank?: boolean", "string[]", "splits a text at each of the separators; without empty parts where the third argument says so"),
    function("use_native_mailers_config", "", "", "raises: there are no `mailers` sections"),
    function("wait", "milliseconds?: integer", "", "waits until a queue with an alarm gets something, or for so long").at(Contexts::WAITING),
    value("warning", "integer", "the level `warning` of `core.log`"),
    function("yield", "", "", "lets others run; nothing where a script may not wait"),
];

pub(super) const ACT: Class = Class {
    name: "act",
    how: "The global `act`: what an action returns.",
    at: Contexts::ANYWHERE,
    entries: ACT_ENTRIES,
};

#[rustfmt::skip]
const ACT_ENTRIES: &[Entry] = &[
    value("ABORT", "integer", "the exchange ends without an answer"),
    value("CONTINUE", "integer", "the next rule is evaluated"),
    value("DENY", "integer", "the exchange is denied, as by `http-request deny`"),
    value("DONE", "integer", "the exchange is over; a reply that was made is the answer"),
    value("ERROR", "integer", "an internal error: status 500"),
    value("INVALID", "integer", "the message is invalid: status 400"),
    value("STOP", "integer", "no more rules of this set are evaluated"),
    value("YIELD", "integer", "the action is called again when data comes, or after `act.wake_time`"),
    function("wake_time", "milliseconds: integer", "", "sets when an action that returns `act.YIELD` is called again")
        .at(Contexts::ACTION),
];
