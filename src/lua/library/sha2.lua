-- `sha2`: a function for each digest, which gives digits; called without a text, it gives a
-- function that takes one piece after the other, and the digits when it is called with none.
local host = ...
local concat, error, pairs = table.concat, error, pairs
local hmac, sum, to_hex = host.hash.hmac, host.hash.sum, host.hash.to_hex

local sha2, names = {}, {}

-- Collects pieces, up to the call with none.
local function collect(finish)
    local parts, size, result = {}, 0, nil
    local function add(piece)
        if piece == nil then
            result = result or finish(concat(parts))
            return result
        elseif result then
            error("Adding more chunks is not allowed after receiving the result", 2)
        end
        size = size + 1
        parts[size] = piece
        return add
    end
    return add
end

for _, name in pairs({ "md5", "sha1", "sha224", "sha256", "sha384", "sha512" }) do
    local function digits(text)
        return to_hex(sum(name, text))
    end
    sha2[name] = function(text)
        if text == nil then
            return collect(digits)
        end
        return digits(text)
    end
    names[sha2[name]] = name
end

function sha2.hmac(digest, key, text)
    local name = names[digest]
    if not name then
        error("Unknown hash function", 2)
    end
    local function digits(all)
        return to_hex(hmac(name, key, all))
    end
    if text == nil then
        return collect(digits)
    end
    return digits(text)
end

sha2.base64_to_bin, sha2.bin_to_base64 = host.base64.decode, host.base64.encode
sha2.hex_to_bin, sha2.bin_to_hex = host.hash.from_hex, to_hex
sha2.hex2bin, sha2.bin2hex = sha2.hex_to_bin, sha2.bin_to_hex
sha2.base642bin, sha2.bin2base64 = sha2.base64_to_bin, sha2.bin_to_base64

return sha2
