-- Reads a database of MaxMind's format and tells the country, or whatever it has, of an address:
-- `%[src,lua.geoip(country.iso_code)]`. The file is read once, at start.
--
-- The format: https://maxmind.github.io/MaxMind-DB/ - a binary tree over the bits of addresses
-- whose leaves point to data, the data, and a description of both.

local file = os.getenv("GEOIP_DATABASE") or "scripts/geoip.mmdb"
local handle, why = io.open(file, "rb")
if handle == nil then
    error("GEOIP_DATABASE: " .. why)
end
local bytes = handle:read("*a")
handle:close()

-- Nothing of use is nested deeper; a database that is wrong could be a circle.
local MAX_DEPTH = 32

local decode

local function decode_pointer(base, at, control, depth)
    local size = math.floor(control / 8) % 4
    local high = control % 8
    local low = string.unpack(">I" .. size + 1, bytes, at)
    local offset = size == 3 and low or high * 256 ^ (size + 1) + low + ({ 0, 2048, 526336 })[size + 1]
    -- Values are integers, be the numbers of this Lua doubles or not.
    local value = decode(base, base + math.floor(offset), depth + 1)
    return value, at + size + 1
end

-- How long a value is: the number behind the control byte, and what its own bytes say beyond 28.
local function decode_size(control, at)
    local size = control % 32
    if size < 29 then
        return size, at
    end
    local more, next_at = string.unpack(">I" .. size - 28, bytes, at)
    return more + ({ 29, 285, 65821 })[size - 28], next_at
end

-- The types, by their numbers: each takes a size and a place, returns a value and the next place.
local readers = {
    [2] = function(_, size, at) return bytes:sub(at, at + size - 1), at + size end,
    [3] = function(_, _, at) return string.unpack(">d", bytes, at) end,
    [4] = function(_, size, at) return bytes:sub(at, at + size - 1), at + size end,
    [7] = function(base, size, at, depth)
        local map = {}
        for _ = 1, size do
            local key, value
            key, at = decode(base, at, depth + 1)
            value, at = decode(base, at, depth + 1)
            map[key] = value
        end
        return map, at
    end,
    [8] = function(_, size, at)
        if size == 0 then return 0, at end
        return string.unpack(">i" .. size, bytes, at)
    end,
    [11] = function(base, size, at, depth)
        local list = {}
        for i = 1, size do
            list[i], at = decode(base, at, depth + 1)
        end
        return list, at
    end,
    [14] = function(_, size, at) return size == 1, at end,
    [15] = function(_, _, at) return string.unpack(">f", bytes, at) end,
}

local function decode_unsigned(_, size, at)
    local number = 0
    for i = at, at + size - 1 do
        number = number * 256 + bytes:byte(i)
    end
    return number, at + size
end
readers[5], readers[6], readers[9], readers[10] =
    decode_unsigned, decode_unsigned, decode_unsigned, decode_unsigned

-- Returns the value at a place and the place behind it; pointers count from `base`.
function decode(base, at, depth)
    local control = bytes:byte(at)
    if control == nil or depth > MAX_DEPTH then
        error(file .. ": the database is damaged")
    end
    at = at + 1
    local kind = math.floor(control / 32)
    if kind == 1 then
        return decode_pointer(base, at, control, depth)
    elseif kind == 0 then
        kind, at = bytes:byte(at) + 7, at + 1
    end
    local size
    size, at = decode_size(control, at)
    local read = readers[kind] or error(file .. ": a type that is not known")
    return read(base, size, at, depth)
end

-- The description stands at the end, behind a mark.
local MARK = "\171\205\239MaxMind.com"
local place, found = 0, nil
repeat
    place = bytes:find(MARK, place + 1, true)
    found = place or found
until place == nil
if found == nil then
    error(file .. ": not a database of MaxMind's format")
end
local about = decode(found + #MARK, found + #MARK, 0)
local node_size = about.record_size / 4
local data = node_size * about.node_count + 17

-- Returns one of the two records of a node.
local function record(node, right)
    local at = node * node_size + 1
    if about.record_size == 24 then
        return (string.unpack(">I3", bytes, at + right * 3))
    elseif about.record_size == 32 then
        return (string.unpack(">I4", bytes, at + right * 4))
    end
    -- 28 bits: the byte in the middle has four of each.
    local middle = bytes:byte(at + 3)
    local low = string.unpack(">I3", bytes, at + right * 4)
    return (right == 0 and math.floor(middle / 16) or middle % 16) * 0x1000000 + low
end

-- Returns the bytes of an address as text, 4 or 16; nil for what is none.
local function parse(text)
    local address = { text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$") }
    if #address == 4 then
        for i = 1, 4 do
            address[i] = tonumber(address[i])
            if address[i] > 255 then
                return nil
            end
        end
        return address
    end
    local left, right = text:match("^(.-)::(.*)$")
    local function words(part)
        local list = {}
        for word in part:gmatch("[^:]+") do
            local number = word:match("^%x%x?%x?%x?$") and tonumber(word, 16)
            if not number then
                return nil
            end
            list[#list + 1], list[#list + 2] = math.floor(number / 256), number % 256
        end
        return list
    end
    local head, tail = words(left or text), words(right or "")
    local twice = right and right:find("::", 1, true)
    if twice or not head or not tail or #head + #tail > 16 or (not left and #head ~= 16) then
        return nil
    end
    for _ = #head + #tail + 1, 16 do
        head[#head + 1] = 0
    end
    for _, byte in ipairs(tail) do
        head[#head + 1] = byte
    end
    return head
end

-- Returns what the database has of an address.
local function lookup(text)
    local address = parse(text)
    if address == nil or (#address == 16 and about.ip_version == 4) then
        return nil
    end
    local node = 0
    if #address == 4 and about.ip_version == 6 then
        for _ = 1, 96 do
            node = node < about.node_count and record(node, 0) or node
        end
    end
    for _, byte in ipairs(address) do
        for bit = 7, 0, -1 do
            if node >= about.node_count then
                break
            end
            node = record(node, math.floor(byte / 2 ^ bit) % 2)
        end
    end
    if node <= about.node_count then
        return nil
    end
    return (decode(data, data + node - about.node_count - 16, 0))
end

-- An address that is not there gives an empty string.
core.register_converters("geoip", function(text, path)
    local value = lookup(text)
    for name in path:gmatch("[^.]+") do
        if type(value) ~= "table" then
            return ""
        end
        value = value[name]
        if value == nil then
            return ""
        end
    end
    return type(value) == "table" and "" or tostring(value)
end)
