//! What scripts see of proxies and servers, and what happens to them.

use super::Class;
use super::Contexts;
use super::Entry;
use super::field;
use super::method;

pub(super) const PROXY: Class = Class {
    name: "Proxy",
    how: "`core.proxies`, `core.frontends`, `core.backends`, by name. Tenants read; what changes \
          something is the operator's. There is no `stktable`: stick tables are not supported.",
    at: Contexts::NOT_BODY,
    entries: PROXY_ENTRIES,
};

#[rustfmt::skip]
const PROXY_ENTRIES: &[Entry] = &[
    method("get_cap", "", "string", "gives `proxy`, `frontend`, `backend` or `ruleset`"),
    method("get_mailers", "", "nil", "gives nil: there are no mailers"),
    method("get_mode", "", "string", "gives `tcp` or `http`"),
    method("get_name", "", "string", "gives the name"),
    method("get_srv_act", "", "integer", "gives how many servers are active"),
    method("get_srv_bck", "", "integer", "gives how many backup servers are active"),
    method("get_stats", "", "table<string, any>", "gives the line of `show stat` under HAProxy's column names"),
    method("get_uuid", "", "integer", "gives the number of the proxy"),
    field("listeners", "table<string, Listener>", "the listeners by name; `sock-1` and so on where they have none"),
    field("name", "string", "the name"),
    method("pause", "", "", "lets the frontend accept nothing until `resume`; who connects waits").raises(OPERATOR),
    method("resume", "", "", "lets the frontend accept again").raises(OPERATOR),
    field("servers", "table<string, Server>", "the servers by name"),
    method("shut_bcksess", "", "", "raises: sessions cannot be ended from outside"),
    method("stop", "", "", "closes the frontend's sockets for good").raises(OPERATOR),
    field("uuid", "integer", "the number of the proxy"),
];

const OPERATOR: &str = "in a tenant's state";

pub(super) const SERVER: Class = Class {
    name: "Server",
    how: "`servers` of a `Proxy`, by name. Tenants read; what changes something is the operator's.",
    at: Contexts::NOT_BODY,
    entries: SERVER_ENTRIES,
};

#[rustfmt::skip]
const SERVER_ENTRIES: &[Entry] = &[
    method("agent_disable", "", "", "raises: servers are not checked"),
    method("agent_enable", "", "", "raises: servers are not checked"),
    method("agent_force_down", "", "", "raises: servers are not checked"),
    method("agent_force_up", "", "", "raises: servers are not checked"),
    method("check_disable", "", "", "raises: servers are not checked"),
    method("check_enable", "", "", "raises: servers are not checked"),
    method("check_force_down", "", "", "says that it is down: it gets nothing").raises(OPERATOR),
    method("check_force_nolb", "", "", "as `set_drain`").raises(OPERATOR),
    method("check_force_up", "", "", "says that it is up").raises(OPERATOR),
    method("event_sub", "names: string[], run: fun(event: string, data: table<string, any>, sub: EventSub, when: number)", "EventSub", "has a function called when something happens to it, as `core.event_sub`").raises(OPERATOR),
    method("get_addr", "", "string", "gives the address and port"),
    method("get_cur_sess", "", "integer", "gives how many sessions it has now"),
    method("get_maxconn", "", "integer", "gives the most connections; 0 is no limit"),
    method("get_name", "", "string", "gives the name"),
    method("get_pend_conn", "", "integer", "gives how many wait for it alone"),
    method("get_proxy", "", "Proxy", "gives the proxy"),
    method("get_puid", "", "integer", "gives the number of the server in its backend"),
    method("get_rid", "", "integer", "gives 0: its name was given once"),
    method("get_stats", "", "table<string, any>", "gives the line of `show stat` under HAProxy's column names"),
    method("get_trackers", "", "table<string, Server>", "gives nobody: `track` is not supported"),
    method("get_weight", "", "integer", "gives the weight"),
    method("is_backup", "", "boolean", "says whether it is a backup"),
    method("is_draining", "", "boolean", "says whether it gets nothing new but what must go there"),
    method("is_dynamic", "", "boolean", "gives false: servers are those of the configuration"),
    field("name", "string", "the name"),
    field("puid", "integer", "the number of the server in its backend"),
    method("set_addr", "address: string, port?: string|integer", "string", "moves it to another IP address; says what has changed").raises(OPERATOR),
    method("set_drain", "", "", "lets it have nothing new but what must go there").raises(OPERATOR),
    method("set_maint", "", "", "lets it have nothing").raises(OPERATOR),
    method("set_maxconn", "limit: string|integer", "string?", "sets the most connections, 0 for no limit; says what is wrong").raises(OPERATOR),
    method("set_ready", "", "", "lets it serve").raises(OPERATOR),
    method("set_weight", "weight: string|integer", "string?", "sets the weight, 0 to 256, or of the configured one 0% to 100%; says what is wrong").raises(OPERATOR),
    method("shut_sess", "", "", "raises: sessions cannot be ended from outside"),
    method("tracking", "", "nil", "gives nil: `track` is not supported"),
];

pub(super) const LISTENER: Class = Class {
    name: "Listener",
    how: "`listeners` of a `Proxy`, by name.",
    at: Contexts::NOT_BODY,
    entries: LISTENER_ENTRIES,
};

#[rustfmt::skip]
const LISTENER_ENTRIES: &[Entry] = &[
    method("get_stats", "", "table<string, any>", "gives its line under HAProxy's column names"),
    field("name", "string", "the name"),
];

pub(super) const EVENT_SUB: Class = Class {
    name: "EventSub",
    how: "`core.event_sub`, `server:event_sub`, and the third argument of the function.",
    at: Contexts::ANYWHERE,
    entries: &[method("unsub", "", "", "ends the subscription")],
};
