-- `dkjson`: JSON with the calls of that library.
local host = ...

local concat, error, floor, getmetatable = table.concat, error, math.floor, getmetatable
local huge, ipairs, next, pcall, setmetatable = math.huge, ipairs, next, pcall, setmetatable
local format, rep, select, type = string.format, string.rep, select, type
local decode, go_on, quote = host.json.decode, host.json.go_on, host.json.quote

local json = { version = "dkjson 2.5" }

json.null = setmetatable({}, {
    __tojson = function()
        return "null"
    end,
})

local DEPTH = 1000

local function write_number(value)
    if value ~= value or value == huge or value == -huge then
        return "null"
    elseif value == floor(value) and value <= 2 ^ 53 and value >= -2 ^ 53 then
        return format("%.0f", value)
    end
    return format("%.14g", value)
end

-- Whether a table is an array, and how long it is then.
local function array_length(value, mt)
    local kind = mt and mt.__jsontype
    if kind == "object" then
        return nil
    end
    local count, last = 0, kind == "array" and type(value.n) == "number" and value.n or 0
    for key in next, value do
        if type(key) == "number" and key >= 1 and key == floor(key) then
            count = count + 1
            last = key > last and key or last
        elseif not (key == "n" and kind == "array") then
            return kind == "array" and last or nil
        end
    end
    if kind == "array" or count == 0 then
        return last
    elseif last > 10 and last > count * 2 then
        return nil
    end
    return last
end

local function order(value, first)
    local keys, known = {}, {}
    for _, key in ipairs(first or {}) do
        if value[key] ~= nil and not known[key] then
            keys[#keys + 1], known[key] = key, true
        end
    end
    for key in next, value do
        if not known[key] then
            keys[#keys + 1] = key
        end
    end
    return keys
end

local write

local function newline(state, level)
    if state.indent then
        state.size = state.size + 1
        state.parts[state.size] = "\n" .. rep("  ", level)
    end
end

local function put(state, text)
    state.size = state.size + 1
    state.parts[state.size] = text
end

local function write_array(state, value, length, level)
    put(state, "[")
    for index = 1, length do
        if index > 1 then
            put(state, ",")
        end
        write(state, value[index], level)
    end
    put(state, "]")
end

local function write_object(state, value, mt, level)
    local keys = order(value, mt and mt.__jsonorder or state.keyorder)
    put(state, "{")
    for index, key in ipairs(keys) do
        if index > 1 then
            put(state, ",")
        end
        newline(state, level)
        local kind = type(key)
        if kind ~= "string" and kind ~= "number" then
            error("type '" .. kind .. "' is not supported as a key by JSON.", 0)
        end
        put(state, quote(kind == "number" and write_number(key) or key))
        put(state, ":")
        write(state, value[key], level)
    end
    if #keys > 0 then
        newline(state, level - 1)
    end
    put(state, "}")
end

function write(state, value, level)
    local mt = type(value) == "table" and getmetatable(value)
    mt = type(mt) == "table" and mt or nil
    local kind = type(value)
    if mt and mt.__tojson then
        local text = mt.__tojson(value, state)
        if text then
            put(state, text)
        end
    elseif value == nil then
        put(state, "null")
    elseif kind == "string" then
        put(state, quote(value))
    elseif kind == "number" then
        put(state, write_number(value))
    elseif kind == "boolean" then
        put(state, value and "true" or "false")
    elseif kind == "table" then
        if state.tables[value] then
            error("reference cycle", 0)
        elseif level >= DEPTH then
            error("too many nested tables", 0)
        end
        state.tables[value] = true
        local length = array_length(value, mt)
        if length then
            write_array(state, value, length, level + 1)
        else
            write_object(state, value, mt, level + 1)
        end
        state.tables[value] = nil
    else
        error("type '" .. kind .. "' is not supported by JSON.", 0)
    end
end

function json.encode(value, options)
    options = options or {}
    if options.exception ~= nil then
        error("encode: 'exception' is not available", 2)
    end
    local state = {
        indent = options.indent, keyorder = options.keyorder, parts = {}, size = 0, tables = {},
    }
    local ok, why = pcall(write, state, value, options.level or 0)
    if not ok then
        error(why, 2)
    end
    return concat(state.parts)
end

local function read_all(done, value, at)
    while done == false do
        done, value, at = go_on(value)
    end
    if done then
        return value, at
    end
    return nil, at, value
end

-- decode(text [, position [, null [, metatable of objects [, of arrays]]]])
function json.decode(text, position, ...)
    local nullval, object, array = ...
    if select("#", ...) < 2 then
        object, array = { __jsontype = "object" }, { __jsontype = "array" }
    end
    return read_all(decode(text, position or 1, DEPTH, nullval, object, array))
end

json.quotestring = quote

function json.addnewline(state)
    newline(state, state.level or 0)
end

-- The reader here needs no other library.
function json.use_lpeg()
    return json
end

return json
