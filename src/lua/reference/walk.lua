-- Writes down the names of all that a state contains: a line `class name kind` for each.
local file, names = ...
local lines = {}

local function add(class, name, kind)
    if type(name) == "string" and name:sub(1, 2) ~= "__" then
        lines[#lines + 1] = class .. " " .. name .. " " .. kind
    end
end

-- A table that scripts know by its name.
local function walk_table(class, t)
    for name, value in next, t do
        add(class, name, type(value) == "function" and "function" or "value")
    end
end

local function members(class, t, is_object)
    for name, value in next, t do
        add(class, name, type(value) == "function" and not is_object and "method" or "field")
    end
end

-- The tables that a function holds: an `__index` has its methods there.
local function held(f, visit)
    for index = 1, 60 do
        local name, value = debug.getupvalue(f, index)
        if not name then
            return
        end
        visit(value)
    end
end

-- Fields that are made when they are asked for.
local lazy = {
    TXN = { "c", "f", "http", "req", "res", "sc", "sf" },
    HTTP = { "req", "res" },
    AppletHTTP = { "c", "f", "sc", "sf" },
    AppletTCP = { "c", "f", "sc", "sf" },
    Proxy = { "listeners", "servers" },
}

-- An object: its own fields, and the methods of its class. Those that are functions of the host are
-- there when they have been asked for: which to ask for says the pattern.
local function walk_object(class, object, pattern)
    for name in names:gmatch(pattern or "^$") do
        -- The names of 2015, too.
        local _ = object[name], object[(name:gsub("^rep_", "replace_"))]
    end
    local index = debug.getmetatable(object).__index
    if type(object) == "table" then
        members(class, object, true)
    end
    if type(index) == "table" then
        members(class, index, false)
    else
        held(index, function(value)
            if type(value) == "table" then
                members(class, value, false)
            end
        end)
    end
    for _, name in ipairs(lazy[class] or {}) do
        if object[name] ~= nil then
            add(class, name, "field")
        end
    end
end

local map = Map.new(file)

local function result()
    local seen, unique = {}, {}
    for _, line in ipairs(lines) do
        if not seen[line] then
            seen[line] = true
            unique[#unique + 1] = line
        end
    end
    lines = {}
    return table.concat(unique, "\n")
end

-- They are made when they are first looked at.
local _ = utf8.char, bit32.band, bit64.band

local libraries = {}
for name, value in next, _G do
    if type(value) == "table" and package.loaded[name] == value and name ~= "_G" then
        libraries[#libraries + 1] = name
    end
end

core.register_action("walk", { "http-req" }, function(txn)
    for name, value in next, _G do
        if type(value) ~= "table" and name ~= "_VERSION" then
            add("_G", name, type(value) == "function" and "function" or "value")
        end
    end
    add("_G", "_VERSION", "value")
    for _, name in ipairs(libraries) do
        walk_table(name, _G[name])
    end
    for _, name in ipairs({ "core", "act", "Map", "Regex", "CertCache" }) do
        walk_table(name, _G[name])
    end
    walk_object("file", io.stdout)
    walk_object("TXN", txn, "%f[%a]txn%.(%S+)")
    walk_object("HTTP", txn.http, "%f[%a]http%.(%S+)")
    walk_object("HTTPReq", txn.http.req, "http%.req_(%S+)")
    walk_object("HTTPRes", txn.http.res, "http%.res_(%S+)")
    walk_object("Reply", txn:reply())
    walk_object("Channel", txn.req, "%f[%a]channel%.(%S+)")
    walk_object("Socket", core.tcp(), "%f[%a]socket%.(%S+)")
    walk_object("HTTPClient", core.httpclient())
    walk_object("Concat", core.concat(), "%f[%a]concat%.(%S+)")
    walk_object("Map", map, "%f[%a]map%.(%S+)")
    walk_object("Patref", core.get_patref(file), "%f[%a]patref%.(%S+)")
    walk_object("Regex", select(2, Regex.new("a", true)), "%f[%a]regex%.(%S+)")
    walk_object("Queue", core.queue())
    walk_object("EventSub", core.event_sub({ "SERVER" }, function() end))
    walk_object("Listener", core.backends.b.listeners.l, "%f[%a]listener%.(%S+)")
    walk_object("Proxy", core.backends.b, "%f[%a]proxy%.(%S+)")
    walk_object("Server", core.backends.b.servers.s, "%f[%a]server%.(%S+)")
    txn:set_var("txn.result", result())
end)

core.register_service("http", "http", function(applet)
    walk_object("AppletHTTP", applet, "%f[%w_]applet_http%.(%S+)")
    walk_object("AppletHTTP", applet, "%f[%w_]txn%.(%S+)")
    applet:set_var("txn.result", result())
    applet:start_response()
end)

core.register_service("tcp", "tcp", function(applet)
    walk_object("AppletTCP", applet, "%f[%w_]applet_tcp%.(%S+)")
    walk_object("AppletTCP", applet, "%f[%w_]txn%.(%S+)")
    applet:set_var("txn.result", result())
end)
