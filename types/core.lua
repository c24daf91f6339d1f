---@meta
-- Printed by `luaproxy types`: do not edit.

--- The global `core`: registration, time, scheduling, messages, sockets, maps.
---@class core
---@field alert integer the level `alert` of `core.log`
---@field backends table<string, Proxy> the backends of the configuration by name; known from init on
---@field crit integer the level `crit` of `core.log`
---@field debug integer the level `debug` of `core.log`
---@field emerg integer the level `emerg` of `core.log`
---@field err integer the level `err` of `core.log`
---@field frontends table<string, Proxy> the frontends of the configuration by name; known from init on
---@field info integer the level `info` of `core.log`
---@field notice integer the level `notice` of `core.log`
---@field proxies table<string, Proxy> all proxies of the configuration by name; known from init on
---@field silent integer the level of `core.log` at which nothing is logged
---@field thread integer the number of the state: 0 is that of `lua-load`
---@field warning integer the level `warning` of `core.log`
core = {}

--- logs a message at the level `alert`
---@param message string
function core.Alert(message) end

--- logs a message at the level `debug`
---@param message string
function core.Debug(message) end

--- logs a message at the level `info`
---@param message string
function core.Info(message) end

--- logs a message at the level `warning`
---@param message string
function core.Warning(message) end

--- adds an entry to the list of an ACL file of the configuration
---@param file string
---@param key string
function core.add_acl(file, key) end

--- reads an HTTP date in the format of asctime; seconds since 1970
---@param date string
---@return integer?
function core.asctime_date(date) end

--- makes a string that grows without copies
---@return Concat
function core.concat() end

--- removes an entry from the list of an ACL file
---@param file string
---@param key string
function core.del_acl(file, key) end

--- removes a key from a map file's entries
---@param file string
---@param key string
function core.del_map(file, key) end

--- ends the call with this result, however deep it is
---@param result? any
function core.done(result) end

--- has a function called when something happens to a server: `SERVER_UP`, `SERVER_DOWN`, `SERVER_STATE`, `SERVER_ADMIN`, `SERVER_INETADDR`, or `SERVER` for all
---@param names string[]
---@param run fun(event: string, data: table<string, any>, sub: EventSub, when: number)
---@return EventSub
function core.event_sub(names, run) end

--- gives what `show info` shows, under HAProxy's names
---@return table<string, any>
function core.get_info() end

--- gives the entries of a map or ACL file of the configuration
---@param name string
---@return Patref
function core.get_patref(name) end

--- gives a variable of the process (`proc.name`)
---@param name string
---@return string|number|boolean|nil
function core.get_var(name) end

--- reads an HTTP date in any of its formats; seconds since 1970
---@param date string
---@return integer?
function core.http_date(date) end

--- makes a client for HTTP requests
---@return HTTPClient
function core.httpclient() end

--- reads an HTTP date in the format of RFC 9110; seconds since 1970
---@param date string
---@return integer?
function core.imf_date(date) end

--- logs a message at a level: `core.emerg` to `core.debug`, or not at all at `core.silent`
---@param level integer
---@param message string
function core.log(level, message) end

--- says whether one of two addresses or networks contains the other
---@param one userdata
---@param other userdata
---@return boolean
function core.match_addr(one, other) end

--- waits; others run meanwhile
---@param milliseconds integer
function core.msleep(milliseconds) end

--- gives the time at which the worker last woke up, since 1970
---@return {sec: integer, usec: integer}
function core.now() end

--- reads an address or a network (`10.0.0.0/8`) for `core.match_addr`; nil where it is none
---@param address string
---@return userdata?
function core.parse_addr(address) end

--- makes a queue
---@return Queue
function core.queue() end

--- makes `lua.name` an action of the rule sets named (`tcp-req`, `tcp-res`, `http-req`, `http-res`, `http-after-res`), with as many arguments
---@param name string
---@param rules string[]
---@param run fun(txn: TXN, ...: string): integer?
---@param arguments? integer
function core.register_action(name, rules, run, arguments) end

--- makes some words a command of the runtime API (`stats socket`); the function gets all words of the line
---@param path string[]
---@param usage string
---@param run fun(applet: AppletTCP, ...: string)
function core.register_cli(path, usage, run) end

--- makes `lua.name` a converter
---@param name string
---@param run fun(input: string, ...: string): any
function core.register_converters(name, run) end

--- makes `lua.name` a sample fetch
---@param name string
---@param run fun(txn: TXN, ...: string): any
function core.register_fetches(name, run) end

--- has a function called once the whole configuration is known
---@param run fun()
function core.register_init(run) end

--- makes `lua.name` a service (`use-service`)
---@param name string
---@param mode "http"|"tcp"
---@param run fun(applet: AppletHTTP|AppletTCP)
function core.register_service(name, mode, run) end

--- starts a task of its own, with up to four arguments; what a body registers starts with the worker
---@param run fun(...: any)
---@param ... any
function core.register_task(run, ...) end

--- reads an HTTP date in the format of RFC 850; seconds since 1970
---@param date string
---@return integer?
function core.rfc850_date(date) end

--- sets the value of a key of a map file
---@param file string
---@param key string
---@param value string
function core.set_map(file, key, value) end

--- sets how willingly the task or session gives way: -1024 (least) to 1024
---@param nice integer
function core.set_nice(nice) end

--- waits; others run meanwhile
---@param seconds integer
function core.sleep(seconds) end

--- makes a socket
---@return Socket
function core.tcp() end

--- splits a text at each of the separators; without empty parts where the third argument says so
---@param text string
---@param separators string
---@param no_blank? boolean
---@return string[]
function core.tokenize(text, separators, no_blank) end

--- raises: there are no `mailers` sections
function core.use_native_mailers_config() end

--- waits until a queue with an alarm gets something, or for so long
---@param milliseconds? integer
function core.wait(milliseconds) end

--- lets others run; nothing where a script may not wait
function core.yield() end
