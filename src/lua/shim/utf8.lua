-- `utf8`, made of the host's functions.
local utf8 = ...

local byte, error, type = string.byte, error, type

-- LuaJIT's patterns write the zero as `%z`.
utf8.charpattern = "[%z\1-\127\194-\253][\128-\191]*"

local codes, codes_lax = utf8.codes, utf8.codes_lax
utf8.codes_lax = nil

-- The host's functions return at least nil.
local function some(first, ...)
    if first ~= nil then
        return first, ...
    end
end

local codepoint = utf8.codepoint

function utf8.codepoint(...)
    return some(codepoint(...))
end

function utf8.codes(text, lax)
    if type(text) == "number" then
        text = text .. ""
    elseif type(text) ~= "string" then
        error("bad argument #1 to 'codes' (string expected, got " .. (text == nil and "no value" or type(text)) .. ")", 2)
    end
    local first = byte(text)
    if first and first >= 128 and first < 192 then
        error("bad argument #1 to 'codes' (invalid UTF-8 code)", 2)
    end
    return lax and codes_lax or codes, text, 0
end

return utf8
