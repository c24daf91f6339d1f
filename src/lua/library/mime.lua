-- `mime`: filters that encode, decode and break text, for ltn12.
local host = ...
local error, tonumber, tostring, type = error, tonumber, tostring, type
local mime = host.mime
local cycle = require("ltn12").filter.cycle

mime._VERSION = "MIME 1.0.3"
mime.encodet, mime.decodet, mime.wrapt = {}, {}, {}

mime.encodet["base64"] = function()
    return cycle(mime.b64, "")
end
mime.encodet["quoted-printable"] = function(mode)
    return cycle(mime.qp, "", mode == "binary" and "=0D=0A" or "\r\n")
end

mime.decodet["base64"] = function()
    return cycle(mime.unb64, "")
end
mime.decodet["quoted-printable"] = function()
    return cycle(mime.unqp, "")
end

local function wrap_text(length)
    length = length or 76
    return cycle(mime.wrp, length, length)
end
mime.wrapt["text"], mime.wrapt["base64"], mime.wrapt["default"] = wrap_text, wrap_text, wrap_text
mime.wrapt["quoted-printable"] = function()
    return cycle(mime.qpwrp, 76, 76)
end

-- A function that takes a filter's name, and what the filter takes.
local function choose(filters)
    return function(name, first, second)
        if type(name) ~= "string" then
            name, first, second = "default", name, first
        end
        local make = filters[name]
        if not make then
            error("unknown key (" .. tostring(name) .. ")", 2)
        end
        return make(first, second)
    end
end

mime.encode, mime.decode = choose(mime.encodet), choose(mime.decodet)

local choose_wrap = choose(mime.wrapt)
function mime.wrap(name, ...)
    -- wrap("64"): a length, as a string that reads as one.
    return choose_wrap(tonumber(name) or name or "default", ...)
end

function mime.normalize(marker)
    return cycle(mime.eol, 0, marker)
end

function mime.stuff()
    return cycle(mime.dot, 2)
end

return mime
