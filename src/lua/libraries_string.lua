-- The string library, where it could hold a worker. A C function that has done enough returns
-- PAUSED and what to go on with, so that the script can be preempted in between. One that finds an
-- argument wrong leaves the words to LuaJIT's own, which knows the script's line and names.
local PAUSED, FAIL, find, match, next_match, go_on, substitute, each = ...

local error, getmetatable, select, tonumber, type = error, getmetatable, select, tonumber, type
local tostring = tostring
local byte, concat, floor, sub = string.byte, table.concat, math.floor, string.sub
local tobit = bit.tobit
local plain_find, plain_format, plain_gmatch = string.find, string.format, string.gmatch
local plain_gsub = string.gsub

-- What LuaJIT may compare in one call: its own search for plain text can be compiled.
local FEW = 100000

-- What it may format in one call.
local MOST = 1000

local function found(text, pattern, init, first, second, ...)
    if first == PAUSED then
        return found(text, pattern, init, go_on(text, pattern, second))
    elseif first == FAIL then
        if not second then
            return plain_find(text, pattern, init)
        end
        error(second, 2)
    elseif second == nil then
        return first
    end
    return first, second, ...
end

-- The first results have names, since a function of as many as there are is called for more.
function string.find(text, pattern, init, plain)
    if plain and type(text) == "string" and type(pattern) == "string" and #text * #pattern < FEW then
        return plain_find(text, pattern, init, true)
    end
    local first, last, a, b, c, d = find(text, pattern, init, plain)
    if last == nil and first ~= FAIL then
        return first
    elseif d ~= nil then
        return found(text, pattern, init, find(text, pattern, init))
    elseif first == PAUSED or first == FAIL then
        return found(text, pattern, init, first, last)
    elseif a == nil then
        return first, last
    elseif b == nil then
        return first, last, a
    elseif c == nil then
        return first, last, a, b
    end
    return first, last, a, b, c
end

function string.match(text, pattern, init)
    local a, b, c, d, e, f, g = match(text, pattern, init)
    if b == nil and a ~= FAIL then
        return a
    elseif g ~= nil then
        return found(text, pattern, init, match(text, pattern, init))
    elseif a == PAUSED or a == FAIL then
        return found(text, pattern, init, a, b)
    elseif c == nil then
        return a, b
    elseif d == nil then
        return a, b, c
    elseif e == nil then
        return a, b, c, d
    elseif f == nil then
        return a, b, c, d, e
    end
    return a, b, c, d, e, f
end

local function is_text(value)
    return type(value) == "string" or type(value) == "number"
end

-- Where a search may take long.
local function slow_gmatch(text, pattern)
    local at = 1
    local function advance(first, last, ...)
        if first == PAUSED then
            return advance(go_on(text, pattern, last))
        elseif first == FAIL then
            error(last, 2)
        elseif first then
            -- Behind an empty match the next is looked for after the character that follows.
            at = (last < first and first or last) + 1
            return ...
        end
    end
    return function()
        local first, last, a, b, c, d = next_match(text, pattern, at)
        if d ~= nil then
            return advance(next_match(text, pattern, at))
        elseif first == nil or first == PAUSED or first == FAIL then
            return advance(first, last)
        end
        at = (last < first and first or last) + 1
        if b == nil then
            return a
        elseif c == nil then
            return a, b
        end
        return a, b, c
    end
end

function string.gmatch(text, pattern)
    if not is_text(text) or not is_text(pattern) then
        return plain_gmatch(text, pattern)
    end
    local quick = each(text, pattern)
    if quick then
        return quick
    end
    return slow_gmatch(text, pattern)
end

-- Returns the range of a match and what the replacement makes of it.
local function replace(replacement, is_call, text, pattern, first, last, a, ...)
    if first == nil then
        return
    elseif first == PAUSED then
        return replace(replacement, is_call, text, pattern, go_on(text, pattern, last))
    elseif first == FAIL then
        error(last, 3)
    elseif is_call then
        return first, last, replacement(a, ...)
    end
    return first, last, replacement[a]
end

-- `gsub` with a replacement that is called.
local function gsub_by_calls(text, pattern, replacement, is_call, most)
    local anchored = byte(pattern) == 94
    -- A table for what is usual, that does not have to grow.
    local out, size, count, at, length = { "", "", "", "", "", "", "", "" }, 0, 0, 1, #text
    while count < most do
        local first, last, value, second = next_match(text, pattern, at, anchored)
        if second ~= nil then
            first, last, value =
                replace(replacement, is_call, text, pattern, next_match(text, pattern, at, anchored))
        elseif first == PAUSED or first == FAIL then
            first, last, value = replace(replacement, is_call, text, pattern, first, last)
        elseif first ~= nil and is_call then
            value = replacement(value)
        elseif first ~= nil then
            value = replacement[value]
        end
        if first == nil then
            break
        end
        count = count + 1
        if first > at then
            size = size + 1
            out[size] = sub(text, at, first - 1)
        end
        size = size + 1
        if not value then
            out[size] = sub(text, first, last)
        elseif is_text(value) then
            out[size] = value
        else
            error("invalid replacement value (a " .. type(value) .. ")", 2)
        end
        if last >= first then
            at = last + 1
        else
            size = size + 1
            out[size] = sub(text, first, first)
            at = first + 1
        end
        if anchored or at > length + 1 then
            break
        end
    end
    out[size + 1] = sub(text, at)
    return concat(out, "", 1, size + 1), count
end

-- Gathers the pieces of a `gsub` that takes long.
local function gather(text, pattern, replacement, most, piece, count, paused)
    local out, size = {}, 0
    while true do
        if not piece then
            error(count, 2)
        end
        size = size + 1
        out[size] = piece
        if not paused then
            return concat(out), count
        end
        piece, count, paused = substitute(text, pattern, replacement, most, paused)
    end
end

function string.gsub(text, pattern, replacement, most)
    local kind = type(replacement)
    if kind == "function" or kind == "table" and getmetatable(replacement) ~= nil then
        local limit = most == nil and #tostring(text) + 1 or tonumber(most)
        if limit and is_text(text) and is_text(pattern) then
            -- As LuaJIT counts, and converts.
            limit = tobit(floor(limit))
            return gsub_by_calls(text .. "", pattern .. "", replacement, kind == "function", limit)
        end
        return plain_gsub(text, pattern, replacement, most)
    end
    local piece, count, paused = substitute(text, pattern, replacement, most)
    if piece and not paused then
        return piece, count
    elseif count then
        return gather(text, pattern, replacement, most, piece, count, paused)
    end
    return plain_gsub(text, pattern, replacement, most)
end

-- Makes text of what `%s` shows: LuaJIT would call back from C.
local function spell(pattern, count, ...)
    local values, index = { ... }, 0
    for letter in string.gmatch(pattern, "%%[-+ #0]*%d*%.?%d*(.)") do
        if letter ~= "%" then
            index = index + 1
            local value = values[index]
            if letter == "s" and index <= count and not is_text(value) then
                value = tostring(value)
                if not is_text(value) then
                    error("'__tostring' must return a string", 3)
                end
                values[index] = value
            end
        end
    end
    return plain_format(pattern, unpack(values, 1, count))
end

-- Whether a value has no `__tostring`.
local function is_plain(value)
    local kind = type(value)
    return kind == "string" or kind == "number" or kind ~= "table" and kind ~= "userdata"
end

local function are_plain(count, first, second, third, ...)
    if not (is_plain(first) and is_plain(second) and is_plain(third)) then
        return false
    elseif count <= 3 then
        return true
    end
    return are_plain(count - 3, ...)
end

function string.format(pattern, ...)
    local count = select("#", ...)
    if count > MOST then
        error("too many arguments to 'format'", 2)
    elseif are_plain(count, ...) or not is_text(pattern) then
        return plain_format(pattern, ...)
    end
    return spell(pattern, count, ...)
end
