-- The objects of the API, made of the host's functions. Runs in each state before any script.
local classes = ...

local concat, error, pairs, pcall, rawset = table.concat, error, pairs, pcall, rawset
local rawget, remove, setmetatable, sub, type = rawget, table.remove, setmetatable, string.sub, type
local find, make, tostring = classes.find, classes.make, tostring

-- What getmetatable gives of the API's objects: false where a tenant's scripts run.
local hidden = nil
if classes.hidden then
    hidden = false
end

-- What only this file calls: no object has it.
local INTERNAL = {
    fields = true, find = true, has_http = true, list = true, list_listeners = true, list_servers = true,
    new = true, side = true,
}

-- Returns a function of the host.
local function take(class, name)
    local number = find(class, name)
    return number and make(number)
end

-- Finds the methods of all classes: each is made when it is first asked for. A table of methods has
-- the name of its class in the field 0, and in 1 what may have those that the class has not.
local lazy_methods = {
    __index = function(self, name)
        local class, other = rawget(self, 0), rawget(self, 1)
        local method = class and not INTERNAL[name] and take(class, name) or other and other(name)
        if method then
            rawset(self, name, method)
        end
        return method
    end,
}

local function methods_of(class, other)
    return setmetatable({ [0] = class, other }, lazy_methods)
end

local function class(name, methods, make)
    -- What an object makes of a name comes before what has to be looked for.
    local function index(self, key)
        local method = rawget(methods, key)
        if method == nil then
            method = make(self, key)
            if method == nil then
                return methods[key]
            end
        end
        return method
    end
    return {
        __index = make and index or methods,
        __metatable = hidden,
        __tostring = function()
            return "HAProxy class " .. name
        end,
    }
end

-- Makes objects; what is wrong with the arguments is said of the script's line.
local function constructor(new, mt)
    return function(...)
        local ok, object = pcall(new, ...)
        if not ok then
            error(object, 2)
        end
        return setmetatable(object, mt)
    end
end

if os then
    os.getenv = take("os", "getenv")
end

local socket_mt = class("Socket", methods_of("socket"))
local concat_mt = class("Concat", methods_of("concat"))
local regex_mt = class("Regex", methods_of("regex"))
local channel_mt = class("Channel", methods_of("channel"))

-- The reply of an action: a plain table with methods.
local reply_methods = {}
local reply_mt = class("Reply", reply_methods)

function reply_methods:set_status(status, reason)
    if type(status) ~= "number" or status < 100 or status > 599 then
        return false
    end
    self.status, self.reason = status, reason
    return true
end

function reply_methods:add_header(name, value)
    name = name:lower()
    local list = self.headers[name]
    if list == nil then
        self.headers[name] = { [0] = value }
    elseif type(list) == "table" then
        list[#list + 1] = value
    else
        self.headers[name] = { [0] = list, value }
    end
    return true
end

function reply_methods:del_header(name)
    self.headers[name:lower()] = nil
    return true
end

function reply_methods:set_body(body)
    self.body = body
    return true
end

local check_reply = take("reply", "check")

local function new_reply(options)
    local reply = setmetatable({ status = 200, reason = "", body = "", headers = {} }, reply_mt)
    for key, value in pairs(options or {}) do
        reply[key] = value
    end
    local ok, why = pcall(check_reply, reply)
    if not ok then
        error(why, 2)
    end
    return reply
end

-- txn.http: the names of today, and those of 2015 under req and res.
local function http_side(side)
    return class("HTTP", methods_of(nil, function(name)
        if type(name) == "string" then
            local replaced = sub(name, 1, 8) == "replace_" and "rep_" .. sub(name, 9)
            return take("http", side .. (replaced or name))
        end
    end))
end
local http_side_mts = { req = http_side("req_"), res = http_side("res_") }
local http_mt = class("HTTP", methods_of("http"), function(self, key)
    local mt = http_side_mts[key]
    if mt then
        local side = setmetatable({ [0] = self[0] }, mt)
        rawset(self, key, side)
        return side
    end
end)

-- TXN
local txn_mt
local side, has_http = take("txn", "side"), take("txn", "has_http")
local function channel(txn, request)
    return setmetatable({ [0] = side(txn, request) }, channel_mt)
end

-- Says of the script's line that a method was called without its object, or given no table.
local function expect(method, index, value, expected)
    if type(value) ~= "table" then
        local got = value == nil and "no value" or type(value)
        local text = "bad argument #" .. index .. " to '" .. method .. "' ("
        error(text .. expected .. " expected, got " .. got .. ")", 3)
    end
end

-- HAProxy's own fetches and converters: methods that are made when they are first asked for.
local function sampler(name, find, safe)
    local methods = {}
    local mt = class(name, methods, function(_, key)
        local method = type(key) == "string" and find(key, safe) or nil
        methods[key] = method
        return method
    end)
    return function(txn)
        return setmetatable({ [0] = txn[0] }, mt)
    end, mt
end

local sample_fetch, sample_converter = take("sample", "fetch"), take("sample", "converter")
local fetches, fetches_mt = sampler("Fetches", sample_fetch, false)
local fetch_method = fetches_mt.__index

-- Also txn:<fetch>(), as in 2015.
local txn_methods = methods_of("txn", function(name)
    return fetch_method(nil, name)
end)

local txn_fields = {
    req = function(txn)
        return channel(txn, true)
    end,
    res = function(txn)
        return channel(txn, false)
    end,
    http = function(txn)
        if has_http(txn) then
            return setmetatable({ [0] = txn[0] }, http_mt)
        end
    end,
    f = fetches,
    sf = sampler("Fetches", sample_fetch, true),
    c = sampler("Converters", sample_converter, false),
    sc = sampler("Converters", sample_converter, true),
}

function txn_methods.req_channel(txn)
    expect("req_channel", 1, txn, "TXN")
    return txn.req
end

function txn_methods.res_channel(txn)
    expect("res_channel", 1, txn, "TXN")
    return txn.res
end

txn_methods.get_req_buf, txn_methods.get_res_buf = txn_methods.req_channel, txn_methods.res_channel

function txn_methods.reply(txn, options)
    expect("reply", 1, txn, "TXN")
    if options ~= nil then
        expect("reply", 2, options, "table")
    end
    if not has_http(txn) then
        error("txn object is not an HTTP transaction.", 2)
    end
    return new_reply(options)
end

local function field(self, key)
    local make = txn_fields[key]
    if make then
        local value = make(self)
        if value ~= nil then
            rawset(self, key, value)
        end
        return value
    end
end

txn_mt = class("TXN", txn_methods, field)

-- Services
local SHARED = { get_priv = true, get_var = true, set_priv = true, set_var = true, unset_var = true }
local function applet(name, class_name)
    local methods = methods_of(class_name, function(method)
        return SHARED[method] and take("txn", method)
    end)
    return class(name, methods, function(self, key)
        if key == "f" or key == "sf" or key == "c" or key == "sc" then
            return field(self, key)
        end
    end)
end
local applet_http_mt = applet("AppletHTTP", "applet_http")
local applet_tcp_mt = applet("AppletTCP", "applet_tcp")
local applet_fields = take("applet_http", "fields")

-- core
core = classes.core
core.thread = classes.thread
core.silent = -1
for level, name in pairs({
    [0] = "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
}) do
    core[name] = level
end

core.tcp = constructor(take("socket", "new"), socket_mt)
core.concat = constructor(take("concat", "new"), concat_mt)

-- core.httpclient
local client = methods_of("httpclient")
local response_mt = class("HTTPResponse", {
    read = function(self)
        if self.early[1] then
            return remove(self.early, 1)
        end
        return client.read(self)
    end,
    close = function(self)
        return client.close(self)
    end,
})

-- A request whose body a function gives, or whose response's body is not wanted as a whole.
local function in_pieces(self, name, options, source, sink)
    local flow, response, early = client.begin(self, name, options), nil, {}
    if not sink then
        function sink(piece)
            early[#early + 1] = piece
        end
    end
    local function pull()
        response = response or client.head(flow)
        local piece, why
        if not response.error then
            piece, why = client.read(flow)
        end
        if piece then
            sink(piece, response)
        elseif why then
            response.status, response.error, response.phase = 0, why, "body"
        end
        return piece
    end
    local function push(piece)
        local sent = (piece and client.write or client.finish)(flow, piece)
        while sent == nil and pull() do
            sent = client.write(flow, "")
        end
        return sent
    end
    if source then
        local piece = source()
        while piece ~= nil and push(piece) do
            piece = source()
        end
        push(nil)
    end
    response = response or client.head(flow)
    if options.stream and not response.error then
        response.body, response.early, response[0] = nil, early, flow[0]
        return setmetatable(response, response_mt)
    end
    while pull() do
    end
    response.body = concat(early)
    return response
end

local client_methods = {}
for _, name in pairs({ "delete", "get", "head", "post", "put", "request" }) do
    client_methods[name] = function(self, options)
        local source = type(options) == "table" and options.body
        source = type(source) == "function" and source
        if source or type(options) == "table" and (options.sink or options.stream) then
            return in_pieces(self, name, options, source, options.sink)
        end
        return client.perform(self, name, options)
    end
end
core.httpclient = constructor(take("httpclient", "new"), class("HTTPClient", client_methods))

-- core.proxies and its kin: lists by name that are made when they are first looked at.
local function lazy(load)
    local known
    local function all()
        if not known then
            known = load()
        end
        return known
    end
    return setmetatable({}, {
        __index = function(_, name)
            return all()[name]
        end,
        __pairs = function()
            return pairs(all())
        end,
        __metatable = hidden,
    })
end

local list, list_servers = take("proxy", "list"), take("proxy", "list_servers")
local list_listeners = take("proxy", "list_listeners")
local server_methods = methods_of("server")
local server_mt = class("Server", server_methods)
local listener_mt = class("Listener", methods_of("listener"))

local function by_name(objects, mt)
    local named = {}
    for _, object in pairs(objects) do
        named[object.name] = setmetatable(object, mt)
    end
    return named
end

local proxy_mt = class("Proxy", methods_of("proxy"), function(self, key)
    local objects
    if key == "servers" then
        objects = by_name(list_servers(self), server_mt)
    elseif key == "listeners" then
        objects = by_name(list_listeners(self), listener_mt)
    end
    if objects then
        rawset(self, key, objects)
    end
    return objects
end)

local get_proxy = take("server", "get_proxy")
function server_methods.get_proxy(self)
    return setmetatable(get_proxy(self), proxy_mt)
end

-- core.event_sub: each subscription has a task of its own, which calls its function in turn.
local next_event, subscribe = take("event", "next"), take("event", "event_sub")
local sub_mt = class("EventSub", { unsub = take("event", "unsub") })
local register_task, Alert = core.register_task, core.Alert

local function event_sub(name, names, f, server)
    if type(names) ~= "table" then
        error("bad argument #1 to '" .. name .. "' (table expected, got " .. type(names) .. ")", 3)
    elseif type(f) ~= "function" then
        error("bad argument #2 to '" .. name .. "' (function expected, got " .. type(f) .. ")", 3)
    end
    local ok, sub = pcall(subscribe, names, server)
    if not ok then
        error(sub, 3)
    end
    setmetatable(sub, sub_mt)
    register_task(function()
        local event, data, when = next_event(sub)
        while event do
            setmetatable(data.reference, server_mt)
            local done, why = pcall(f, event, data, sub, when)
            if not done then
                Alert("event_sub: " .. tostring(why))
            end
            event, data, when = next_event(sub)
        end
    end)
    return sub
end

function core.event_sub(names, f)
    return event_sub("event_sub", names, f)
end

function server_methods.event_sub(self, names, f)
    return event_sub("event_sub", names, f, self)
end

-- core.queue and core.wait are made when they are first called: few scripts have them.
local lazy_part, queues = classes.lazy, nil
for _, name in pairs({ "queue", "wait" }) do
    core[name] = function(...)
        queues = queues or lazy_part("queue").make(class)
        return queues[name](...)
    end
end

for name, kind in pairs({ proxies = "proxy", frontends = "frontend", backends = "backend" }) do
    core[name] = lazy(function()
        return by_name(list(kind), proxy_mt)
    end)
end

-- Regex
local new_regex = take("regex", "new")
Regex = {
    new = function(...)
        local ok, regex = new_regex(...)
        if ok then
            return true, setmetatable(regex, regex_mt)
        end
        return ok, regex
    end,
}

-- CertCache
CertCache = { set = take("certificate", "set") }

-- Map
local map_mt = class("Map", methods_of("map"))
Map = { new = constructor(take("map", "new"), map_mt) }
for _, method in pairs({ "str", "int", "ip", "beg", "sub", "dir", "dom", "end", "reg" }) do
    Map[method], Map["_" .. method] = method, method
end

-- Patref
local find_pattern, list_patterns = take("patref", "find"), take("patref", "list")
local patref_methods = methods_of("patref")
local patref_mt = class("Patref", patref_methods)
core.get_patref = constructor(take("patref", "new"), patref_mt)

function patref_mt.__index(self, key)
    local method = patref_methods[key]
    if method ~= nil then
        return method
    end
    return find_pattern(self, key)
end

function patref_mt.__pairs(self)
    local list, index, is_map = list_patterns(self), -1, self:is_map()
    return function()
        index = index + 2
        local key = list[index]
        if key ~= nil then
            return key, is_map and list[index + 1] or true
        end
    end
end

act = {
    CONTINUE = 0, STOP = 1, YIELD = 2, ERROR = 3, DONE = 4, DENY = 5, ABORT = 6, INVALID = 7,
    wake_time = take("act", "wake_time"),
}

return function(f)
    return function(data, ...)
        return f(setmetatable({ [0] = data }, txn_mt), ...)
    end
end, function(f)
    return function(data)
        return f(setmetatable(applet_fields(data), applet_http_mt))
    end
end, function(f)
    return function(data, ...)
        return f(setmetatable({ [0] = data }, applet_tcp_mt), ...)
    end
end
