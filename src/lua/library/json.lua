-- `json`, also `cjson`: values of Lua to JSON and back, as lua-cjson does it.
local host = ...

local concat, error, floor, format = table.concat, error, math.floor, string.format
local getmetatable, huge, next, pcall = getmetatable, math.huge, next, pcall
local rawget, setmetatable, tostring, type = rawget, setmetatable, tostring, type
local decode, go_on, quote = host.json.decode, host.json.go_on, host.json.quote

local null = host.json.null()
local array_mt, empty_array_mt = {}, {}
local empty_array = setmetatable({}, array_mt)

-- Up to here each whole number is one of its own.
local EXACT = 2 ^ 53

local function refuse(what)
    error("Cannot serialise " .. what, 0)
end

local function write_number(settings, value)
    if value ~= value or value == huge or value == -huge then
        if settings.invalid_numbers == "null" then
            return "null"
        elseif not settings.invalid_numbers then
            refuse("number: must not be NaN or Infinity")
        end
        return value ~= value and "NaN" or value > 0 and "Infinity" or "-Infinity"
    elseif value == floor(value) and value <= EXACT and value >= -EXACT then
        return format("%.0f", value)
    end
    return format(settings.number_format, value)
end

-- Returns the length of what is an array; nil of what is an object.
local function array_length(settings, value)
    local mt = getmetatable(value)
    local count, last = 0, 0
    for key in next, value do
        if type(key) ~= "number" or key < 1 or key ~= floor(key) then
            if mt == array_mt then
                return #value
            end
            return nil
        end
        count = count + 1
        if key > last then
            last = key
        end
    end
    if count == 0 then
        local is_array = mt == array_mt or mt == empty_array_mt or not settings.empty_is_object
        return is_array and 0 or nil
    elseif mt == array_mt then
        return last
    elseif settings.sparse_ratio > 0 and last > settings.sparse_safe and last > count * settings.sparse_ratio then
        if not settings.sparse_convert then
            refuse("table: excessively sparse array")
        end
        return nil
    end
    return last
end

local write

local function write_array(settings, parts, size, value, length, depth)
    size = size + 1
    parts[size] = "["
    for index = 1, length do
        if index > 1 then
            size = size + 1
            parts[size] = ","
        end
        size = write(settings, parts, size, rawget(value, index), depth)
    end
    size = size + 1
    parts[size] = "]"
    return size
end

local function write_object(settings, parts, size, value, depth)
    local before = "{"
    for key, field in next, value do
        local kind = type(key)
        if kind == "number" then
            key = write_number(settings, key)
        elseif kind ~= "string" then
            refuse(kind .. ": table key must be a number or string")
        end
        parts[size + 1], parts[size + 2], parts[size + 3] = before, quote(key), ":"
        size = write(settings, parts, size + 3, field, depth)
        before = ","
    end
    if before == "{" then
        size = size + 1
        parts[size] = "{"
    end
    size = size + 1
    parts[size] = "}"
    return size
end

function write(settings, parts, size, value, depth)
    local kind, text = type(value), nil
    if kind == "string" then
        text = quote(value)
    elseif kind == "number" then
        text = write_number(settings, value)
    elseif kind == "boolean" then
        text = value and "true" or "false"
    elseif kind == "table" then
        depth = depth + 1
        if depth > settings.encode_depth then
            refuse(", excessive depth (" .. depth .. ")")
        end
        local length = array_length(settings, value)
        if length then
            return write_array(settings, parts, size, value, length, depth)
        end
        return write_object(settings, parts, size, value, depth)
    elseif value == nil or value == null then
        text = "null"
    else
        refuse(kind .. ": type not supported")
    end
    size = size + 1
    parts[size] = text
    return size
end

local function encode(settings, value)
    local parts = {}
    write(settings, parts, 0, value, 0)
    return concat(parts)
end

local function read_all(done, value, at)
    while done == false do
        done, value, at = go_on(value)
    end
    return done, value, at
end

local function read(settings, text)
    local array = settings.arrays and array_mt or nil
    return read_all(decode(text, 1, settings.decode_depth, null, nil, array))
end

local function is_end(text, at)
    return not text:find("[^ \t\r\n]", at)
end

-- Returns a setting's value, having changed it.
local function option(settings, key, kind)
    return function(value)
        if value ~= nil then
            if type(value) ~= kind then
                error("bad argument #1 (" .. kind .. " expected, got " .. type(value) .. ")", 2)
            end
            settings[key] = value
        end
        return settings[key]
    end
end

local make

-- Makes a library with settings of its own; a safe one returns nil and what is wrong.
function make(is_safe)
    local settings = {
        arrays = false, decode_depth = 1000, empty_is_object = true, encode_depth = 1000,
        invalid_numbers = false, number_format = "%.14g", precision = 14,
        sparse_convert = false, sparse_ratio = 2, sparse_safe = 10,
    }
    local library = {
        _NAME = "cjson", _VERSION = "2.1.0", array_mt = array_mt, empty_array = empty_array,
        empty_array_mt = empty_array_mt, null = null,
        decode_array_with_array_mt = option(settings, "arrays", "boolean"),
        decode_max_depth = option(settings, "decode_depth", "number"),
        encode_empty_table_as_object = option(settings, "empty_is_object", "boolean"),
        encode_max_depth = option(settings, "encode_depth", "number"),
    }

    function library.encode(value)
        local ok, text = pcall(encode, settings, value)
        if ok then
            return text
        elseif is_safe then
            return nil, text
        end
        error(text, 2)
    end

    function library.decode(text)
        if type(text) ~= "string" and type(text) ~= "number" then
            error("bad argument #1 to 'decode' (string expected, got " .. (text == nil and "no value" or type(text)) .. ")", 2)
        end
        text = tostring(text)
        local ok, value, at = read(settings, text)
        if ok and not is_end(text, at) then
            ok, value = nil, "Expected the end but found invalid token at character " .. text:find("[^ \t\r\n]", at)
        end
        if ok then
            return value
        elseif is_safe then
            return nil, value
        end
        error(value, 2)
    end

    function library.encode_number_precision(digits)
        if digits ~= nil then
            if type(digits) ~= "number" or digits < 1 or digits > 17 then
                error("bad argument #1 to 'encode_number_precision' (expected integer between 1 and 17)", 2)
            end
            settings.precision = floor(digits)
            settings.number_format = "%." .. settings.precision .. "g"
        end
        return settings.precision
    end

    function library.encode_sparse_array(convert, ratio, safe)
        if convert ~= nil then
            settings.sparse_convert = convert
        end
        settings.sparse_ratio, settings.sparse_safe = ratio or settings.sparse_ratio, safe or settings.sparse_safe
        return settings.sparse_convert, settings.sparse_ratio, settings.sparse_safe
    end

    function library.encode_invalid_numbers(value)
        if value ~= nil then
            settings.invalid_numbers = value
        end
        return settings.invalid_numbers
    end

    -- JSON has none, and none are read.
    function library.decode_invalid_numbers(value)
        if value then
            error("decode_invalid_numbers: not available: JSON has no such numbers", 2)
        end
        return false
    end

    -- There is no buffer that could be kept.
    function library.encode_keep_buffer()
        return false
    end

    library.new = function()
        return make(is_safe)
    end
    return library
end

local library = make(false)
local safe

-- `cjson.safe`
function library.safe()
    safe = safe or make(true)
    return safe
end

return library
