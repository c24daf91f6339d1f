-- The objects of the API, made of the host's functions. Runs in each state before any script.
local classes = ...

local concat, error, pairs, pcall, rawset = table.concat, error, pairs, pcall, rawset
local remove = table.remove
local setmetatable, type = setmetatable, type

-- What getmetatable gives of the API's objects: false where a tenant's scripts run.
local hidden = nil
if classes.hidden then
    hidden = false
end

local function class(name, methods, make)
    local function index(self, key)
        local method = methods[key]
        if method ~= nil then
            return method
        end
        if make then
            return make(self, key)
        end
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
    os.getenv = classes.os.getenv
end

local socket_mt = class("Socket", classes.socket)
local concat_mt = class("Concat", classes.concat)
local regex_mt = class("Regex", classes.regex)
local channel_mt = class("Channel", classes.channel)

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

local check_reply = classes.reply.check

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
local http_sides = { req = {}, res = {} }
for name, method in pairs(classes.http) do
    local side = http_sides[name:sub(1, 3)]
    if side and name:sub(4, 4) == "_" then
        side[name:sub(5)] = method
        if name:sub(5, 8) == "rep_" then
            side["replace_" .. name:sub(9)] = method
        end
    end
end
local http_side_mts = { req = class("HTTP", http_sides.req), res = class("HTTP", http_sides.res) }
local http_mt = class("HTTP", classes.http, function(self, key)
    local mt = http_side_mts[key]
    if mt then
        local side = setmetatable({ [0] = self[0] }, mt)
        rawset(self, key, side)
        return side
    end
end)

-- TXN
local txn_mt
local side, has_http = classes.txn.side, classes.txn.has_http
local txn_methods = {}
for name, method in pairs(classes.txn) do
    txn_methods[name] = method
end
txn_methods.side, txn_methods.has_http = nil, nil

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

local fetches, fetches_mt = sampler("Fetches", classes.sample.fetch, false)
local fetch_method = fetches_mt.__index

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
    sf = sampler("Fetches", classes.sample.fetch, true),
    c = sampler("Converters", classes.sample.converter, false),
    sc = sampler("Converters", classes.sample.converter, true),
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
    -- txn:<fetch>(), as in 2015
    return fetch_method(nil, key)
end

txn_mt = class("TXN", txn_methods, field)

-- Services
local function applet(name, methods)
    for _, shared in pairs({ "get_priv", "get_var", "set_priv", "set_var", "unset_var" }) do
        methods[shared] = classes.txn[shared]
    end
    return class(name, methods, function(self, key)
        if key == "f" or key == "sf" or key == "c" or key == "sc" then
            return field(self, key)
        end
    end)
end
local applet_http_mt = applet("AppletHTTP", classes.applet_http)
local applet_tcp_mt = applet("AppletTCP", classes.applet_tcp)
local applet_fields = classes.applet_http.fields
classes.applet_http.fields = nil

-- core
core = classes.core
core.thread = classes.thread
core.silent = -1
for level, name in pairs({
    [0] = "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
}) do
    core[name] = level
end

local new_socket, new_concat = classes.socket.new, classes.concat.new
classes.socket.new, classes.concat.new = nil, nil

core.tcp, core.concat = constructor(new_socket, socket_mt), constructor(new_concat, concat_mt)

-- core.httpclient
local client = classes.httpclient
local begin, perform = client.begin, client.perform
local new_client, head, read, write, finish = client.new, client.head, client.read, client.write, client.finish
local response_mt = class("HTTPResponse", {
    read = function(self)
        if self.early[1] then
            return remove(self.early, 1)
        end
        return read(self)
    end,
    close = client.close,
})

-- A request whose body a function gives, or whose response's body is not wanted as a whole.
local function in_pieces(self, name, options, source, sink)
    local flow, response, early = begin(self, name, options), nil, {}
    if not sink then
        function sink(piece)
            early[#early + 1] = piece
        end
    end
    local function pull()
        response = response or head(flow)
        local piece, why
        if not response.error then
            piece, why = read(flow)
        end
        if piece then
            sink(piece, response)
        elseif why then
            response.status, response.error, response.phase = 0, why, "body"
        end
        return piece
    end
    local function push(piece)
        local sent = (piece and write or finish)(flow, piece)
        while sent == nil and pull() do
            sent = write(flow, "")
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
    response = response or head(flow)
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
        return perform(self, name, options)
    end
end
core.httpclient = constructor(new_client, class("HTTPClient", client_methods))

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

local list, list_servers = classes.proxy.list, classes.proxy.list_servers
classes.proxy.list, classes.proxy.list_servers = nil, nil
local server_mt = class("Server", classes.server)

local function by_name(objects, mt)
    local named = {}
    for _, object in pairs(objects) do
        named[object.name] = setmetatable(object, mt)
    end
    return named
end

local proxy_mt = class("Proxy", classes.proxy, function(self, key)
    if key == "servers" then
        local servers = by_name(list_servers(self), server_mt)
        rawset(self, key, servers)
        return servers
    end
end)

for name, kind in pairs({ proxies = "proxy", frontends = "frontend", backends = "backend" }) do
    core[name] = lazy(function()
        return by_name(list(kind), proxy_mt)
    end)
end

-- Regex
local new_regex = classes.regex.new
Regex = {
    new = function(...)
        local ok, regex = new_regex(...)
        if ok then
            return true, setmetatable(regex, regex_mt)
        end
        return ok, regex
    end,
}
classes.regex.new = nil

-- Map
local map_mt = class("Map", classes.map)
local new_map = classes.map.new
classes.map.new = nil
Map = { new = constructor(new_map, map_mt) }
for _, method in pairs({ "str", "int", "ip", "beg", "sub", "dir", "dom", "end", "reg" }) do
    Map[method], Map["_" .. method] = method, method
end

act = {
    CONTINUE = 0, STOP = 1, YIELD = 2, ERROR = 3, DONE = 4, DENY = 5, ABORT = 6, INVALID = 7,
    wake_time = classes.act.wake_time,
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
    return function(data)
        return f(setmetatable({ [0] = data }, applet_tcp_mt))
    end
end
