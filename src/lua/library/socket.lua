-- `socket`: LuaSocket's library over the host's sockets, which wait without blocking.
local host = ...

local error, find, getmetatable, ipairs = error, string.find, getmetatable, ipairs
local pairs, pcall, select, setmetatable = pairs, pcall, select, setmetatable
local sub, tonumber, tostring, type, unpack = string.sub, tonumber, tostring, type, unpack

local class, functions = host.socket, host.functions
local class_connect, class_new = class.connect, class.new
class.new = nil

local socket = { BLOCKSIZE = 2048, _SETSIZE = 1024, _VERSION = "LuaSocket 3.0", gettime = functions.gettime }

-- Errors that `try` raises and `protect` returns.
local exception_mt = {}

local function nothing() end

function socket.newtry(finalizer)
    return function(...)
        local ok, why = ...
        if not ok then
            pcall(finalizer or nothing)
            error(setmetatable({ why }, exception_mt), 0)
        end
        return ...
    end
end

socket.try = socket.newtry()

local function settle(ok, ...)
    if ok then
        return ...
    end
    local why = ...
    if type(why) == "table" and getmetatable(why) == exception_mt then
        return nil, why[1]
    end
    error(why, 0)
end

function socket.protect(f)
    return function(...)
        return settle(pcall(f, ...))
    end
end

function socket.skip(count, ...)
    return unpack({ ... }, count + 1, select("#", ...))
end

function socket.sleep(seconds)
    if seconds > 0 then
        functions.sleep(seconds)
    end
end

function socket.__unload() end

-- Methods of a connected socket

local methods, states = {}, setmetatable({}, { __mode = "k" })
for name, method in pairs(class) do
    methods[name] = method
end
methods.connect_ssl = nil

local socket_mt = { __index = methods, __metatable = false }

function socket_mt.__tostring(self)
    local state = states[self]
    return (state.kind or "tcp{client}")
end

local function new(family)
    local object = setmetatable(class_new("luasocket"), socket_mt)
    states[object] = { family = family, received = 0, sent = 0, since = functions.gettime() }
    return object
end

-- One of several addresses after the other, as they were found.
local function connect_to(self, list, port)
    local ok, why
    for index = 1, #list do
        local address = list[index]
        if find(address, ":", 1, true) and sub(address, 1, 1) ~= "[" then
            address = "[" .. address .. "]"
        end
        ok, why = class_connect(self, address, port)
        if ok then
            return ok
        end
    end
    return nil, why
end

function methods.connect(self, address, port)
    local state = states[self]
    if state.path then
        return class_connect(self, "unix@" .. tostring(address))
    end
    local number = tonumber(port)
    if not number or number < 1 or number > 65535 or number % 1 ~= 0 then
        error("bad argument #2 to 'connect' (port expected, got " .. tostring(port) .. ")", 2)
    elseif type(address) ~= "string" then
        error("bad argument #1 to 'connect' (string expected, got " .. (address == nil and "no value" or type(address)) .. ")", 2)
    end
    local list, why = functions.targets(address, state.family)
    if not list then
        return nil, why
    end
    local ok
    ok, why = connect_to(self, list, number)
    if ok then
        state.since = functions.gettime()
        return ok
    end
    return nil, why
end

local class_receive, class_send, class_settimeout = class.receive, class.send, class.settimeout

local function count_received(state, text, why, partial)
    state.received = state.received + #(text or partial or "")
    return text, why, partial
end

function methods.receive(self, pattern, prefix)
    if type(pattern) == "number" and pattern < 0 then
        error("bad argument #1 to 'receive' (invalid receive pattern)", 2)
    elseif prefix == nil then
        return count_received(states[self], class_receive(self, pattern))
    end
    prefix = tostring(prefix)
    return count_received(states[self], class_receive(self, pattern, prefix))
end

function methods.send(self, text, first, last)
    local sent, why, index = class_send(self, text, first or 1, last or -1)
    local state, start = states[self], first or 1
    start = start < 0 and #text + start + 1 or start
    state.sent = state.sent + (sent or index) - (start > 1 and start - 1 or 0)
    return sent, why, index
end

function methods.settimeout(self, seconds, mode)
    local state = states[self]
    if mode == "t" or mode == "r" then
        state.total = seconds
    else
        state.block = seconds
    end
    return class_settimeout(self, seconds, mode)
end

function methods.gettimeout(self)
    local state = states[self]
    return state.block or -1, state.total or -1
end

function methods.getstats(self)
    local state = states[self]
    return state.received, state.sent, functions.gettime() - state.since
end

function methods.setstats(self, received, sent, age)
    local state = states[self]
    state.received, state.sent = received or state.received, sent or state.sent
    state.since = age and functions.gettime() - age or state.since
    return 1
end

function methods.dirty(self)
    return functions.dirty(self)
end

function methods.getfamily(self)
    local _, _, family = class.getsockname(self)
    return family or states[self].family or "unspec"
end

-- What an operating system's descriptor would be asked for.
function methods.getfd()
    return -1
end

local function refuse(name, why)
    methods[name] = function()
        error(name .. ": not available: " .. why, 2)
    end
end

local SERVER = "connections are accepted by the listeners of the configuration"
refuse("accept", SERVER)
refuse("bind", "the source of a connection is the host's business")
refuse("listen", SERVER)
refuse("setfd", "a socket has no descriptor")
refuse("setpeername", "it is not a socket for datagrams")

local options = {}

function methods.setoption(self, name, value)
    if type(name) ~= "string" then
        error("bad argument #1 to 'setoption' (string expected, got " .. type(name) .. ")", 2)
    end
    states[self].options = states[self].options or {}
    states[self].options[name] = value == nil and true or value
    return class.setoption(self, name, value)
end

function methods.getoption(self, name)
    local known = states[self].options or options
    if known[name] == nil then
        return nil, "unsupported option"
    end
    return known[name]
end

function socket.tcp()
    return new("any")
end

function socket.tcp4()
    return new("inet")
end

function socket.tcp6()
    return new("inet6")
end

local function connect(family, address, port, source)
    if source ~= nil then
        error("connect: a source address is not available", 3)
    end
    local object = new(family)
    local ok, why = object:connect(address, port)
    if ok then
        return object
    end
    object:close()
    return nil, why
end

function socket.connect(address, port, source, _, family)
    return connect(family or "any", address, port, source)
end

function socket.connect4(address, port, source)
    return connect("inet", address, port, source)
end

function socket.connect6(address, port, source)
    return connect("inet6", address, port, source)
end

function socket.bind()
    error("bind: not available: " .. SERVER, 2)
end

-- `require "socket.unix"`: can be called itself.
function socket.unix_library()
    local function stream()
        local object = new("unix")
        states[object].path = true
        return object
    end
    return setmetatable({ stream = stream, tcp = stream }, {
        __call = function()
            return stream()
        end,
    })
end

-- Waiting for several

local function pick(list, places)
    local found = {}
    for index = 1, #places do
        local object = list[places[index]]
        found[index], found[object] = object, true
    end
    return found
end

function socket.select(readers, writers, timeout)
    readers, writers = readers or {}, writers or {}
    if timeout and timeout < 0 then
        timeout = nil
    end
    local input, output, why = functions.select(readers, writers, timeout)
    return pick(readers, input), pick(writers, output), why
end

-- Names

local dns = {}
socket.dns = dns

function dns.gethostname()
    return functions.gethostname()
end

function dns.toip(name)
    local list, why = functions.lookup(name, "any")
    if not list then
        return nil, why
    end
    return list[1], { alias = {}, ip = list, name = name }
end

function dns.tohostname(address)
    local name, why = functions.tohostname(address)
    if not name then
        return nil, why
    end
    return name, { alias = {}, ip = { address }, name = name }
end

function dns.getaddrinfo(name)
    local list, why = functions.lookup(name, "any")
    if not list then
        return nil, why
    end
    local found = {}
    for index, address in ipairs(list) do
        local family = find(address, ":", 1, true) and "inet6" or "inet"
        found[index] = { addr = address, family = family }
    end
    return found
end

-- Sources and sinks

socket.sourcet, socket.sinkt = {}, {}

function socket.choose(list)
    return function(name, first, second)
        if type(name) ~= "string" then
            name, first, second = "default", name, first
        end
        local make = list[name or "nil"]
        if not make then
            error("unknown key (" .. tostring(name) .. ")", 2)
        end
        return make(first, second)
    end
end

socket.source, socket.sink = socket.choose(socket.sourcet), socket.choose(socket.sinkt)

local function object_mt(object, call)
    return setmetatable({
        dirty = function()
            return object:dirty()
        end,
        getfd = function()
            return object:getfd()
        end,
    }, { __call = call })
end

socket.sinkt["close-when-done"] = function(object)
    return object_mt(object, function(_, chunk, why)
        if chunk then
            return object:send(chunk)
        end
        object:close()
        return why == nil and 1 or nil, why
    end)
end

socket.sinkt["keep-open"] = function(object)
    return object_mt(object, function(_, chunk)
        if chunk then
            return object:send(chunk)
        end
        return 1
    end)
end
socket.sinkt.default = socket.sinkt["keep-open"]

socket.sourcet["by-length"] = function(object, length)
    return object_mt(object, function()
        if length <= 0 then
            return nil
        end
        local size = length < socket.BLOCKSIZE and length or socket.BLOCKSIZE
        local chunk, why = object:receive(size)
        if why then
            return nil, why
        end
        length = length - #chunk
        return chunk
    end)
end

socket.sourcet["until-closed"] = function(object)
    local done = false
    return object_mt(object, function()
        if done then
            return nil
        end
        local chunk, why, partial = object:receive(socket.BLOCKSIZE)
        if not why then
            return chunk
        elseif why == "closed" then
            object:close()
            done = true
            return partial ~= "" and partial or nil
        end
        return nil, why
    end)
end
socket.sourcet.default = socket.sourcet["until-closed"]

return socket
