-- `sha1`: can be called itself; digits, or bytes by `binary`; `hmac(key, text)`.
local host = ...
local hmac, setmetatable, sum, to_hex = host.hash.hmac, setmetatable, host.hash.sum, host.hash.to_hex

local sha1 = {}

function sha1.sha1(text)
    return to_hex(sum("sha1", text))
end

function sha1.binary(text)
    return sum("sha1", text)
end

function sha1.hmac(key, text)
    return to_hex(hmac("sha1", key, text))
end

function sha1.hmac_binary(key, text)
    return hmac("sha1", key, text)
end

return setmetatable(sha1, {
    __call = function(_, text)
        return sha1.sha1(text)
    end,
})
