-- What a tenant's scripts have in place of those parts of LuaJIT that show where the process keeps
-- its data, or hold the worker, or reach a file. Runs when all else is there, before any script.
local classes, loadable, tells, find_library = ...

local concat, error, find, gsub = table.concat, error, string.find, string.gsub
local ipairs, select, setmetatable, type = ipairs, select, setmetatable, type
local plain_collect, plain_format, plain_tostring = collectgarbage, string.format, tostring
local find_module = classes.io.require
local info = core.Info

-- Of these values LuaJIT shows the address: it gets a number instead, in the order of asking.
local SHOWN = { ["function"] = true, table = true, thread = true, userdata = true }
local numbers, last = setmetatable({}, { __mode = "k" }), 0

function tostring(value)
    local kind = type(value)
    if not SHOWN[kind] or tells(value) then
        return plain_tostring(value)
    end
    local text = plain_tostring(value)
    if find(text, "^%l+: 0x%x+$") or find(text, "^function: builtin#%d+$") then
        local number = numbers[value]
        if not number then
            last = last + 1
            numbers[value], number = last, last
        end
        return plain_format("%s: 0x%08x", kind, number)
    elseif kind == "userdata" then
        -- An error of the host: its traceback may name C functions by their addresses.
        return (gsub(text, "0x%x+", "0x0"))
    end
    return text
end
local tostring = tostring

-- Leaves to string.format what has no address.
local function shown(n, first, ...)
    if n == 0 then
        return
    elseif SHOWN[type(first)] then
        first = tostring(first)
        if type(first) ~= "string" then
            error("'__tostring' must return a string", 3)
        end
    end
    return first, shown(n - 1, ...)
end

function string.format(format, ...)
    if type(format) == "string" and find(format, "p", 1, true) and find(gsub(format, "%%%%", ""), "%%[-+ #0]*[%d.]*p") then
        error("invalid option '%p' to 'format'", 2)
    end
    for index = 1, select("#", ...) do
        if SHOWN[type((select(index, ...)))] then
            return plain_format(format, shown(select("#", ...), ...))
        end
    end
    return plain_format(format, ...)
end

function print(...)
    local parts = { ... }
    for index = 1, select("#", ...) do
        parts[index] = tostring(parts[index])
    end
    info(concat(parts, " "))
end

-- A whole collection would hold the worker; the host collects in time.
function collectgarbage(what)
    if what == nil or what == "collect" or what == "step" then
        plain_collect("step", 0)
        return 0
    elseif what == "count" then
        return plain_collect("count")
    end
    error("bad argument #1 to 'collectgarbage' (invalid option)", 2)
end

os = {
    clock = classes.os.clock,
    date = classes.os.date,
    difftime = function(one, other)
        return one - (other or 0)
    end,
    getenv = classes.os.getenv,
    time = classes.os.time,
}

-- Modules
local loaded, preload, loading = {}, {}, {}
for _, name in ipairs(loadable) do
    loaded[name] = _G[name]
end
loaded._G, loaded.os = _G, os
-- What a script writes into the paths has no meaning: the configuration names them.
package = { config = "/\n;\n?\n!\n-\n", cpath = "", loaded = loaded, path = "", preload = preload }

local function load_library(name, early)
    local chunk, functions = find_library(name, early)
    return chunk and function()
        return chunk(functions)
    end
end

local function load_module(name)
    local ready = preload[name]
    if ready ~= nil then
        return ready, ":preload:"
    end
    local library = load_library(name, true)
    if library then
        return library, ":library:"
    end
    local chunk, file, why = find_module(name)
    if chunk == nil then
        -- Where no file could be looked for, there may be one of that name.
        library = why and load_library(name, false)
        if library then
            return library, ":library:"
        end
        error("module '" .. name .. "' not found:\n\tno field package.preload['" .. name .. "']" .. file, 3)
    end
    if not chunk then
        error("error loading module '" .. name .. "' from file '" .. file .. "':\n\t" .. why, 3)
    end
    return chunk, file
end

function require(name)
    if type(name) == "number" then
        name = name .. ""
    elseif type(name) ~= "string" then
        error("bad argument #1 to 'require' (string expected, got " .. type(name) .. ")", 2)
    end
    local value = loaded[name]
    if value ~= nil then
        return value
    elseif loading[name] then
        error("loop or previous error loading module '" .. name .. "'", 2)
    end
    local chunk, file = load_module(name)
    loading[name] = true
    value = chunk(name, file)
    loading[name] = nil
    if value ~= nil then
        loaded[name] = value
    elseif loaded[name] == nil then
        loaded[name] = true
    end
    return loaded[name]
end

getmetatable("").__metatable = false
