-- `openssl` and its parts, with the calls of luaossl that scripts make.
local host = ...

local concat, error, select, setmetatable = table.concat, error, select, setmetatable
local char, sub, tostring, type, unpack = string.char, string.sub, tostring, type, unpack
local cipher, hasher, key = host.cipher, host.hasher, host.key

local PIECE = 65536

local function feed(object, ...)
    for index = 1, select("#", ...) do
        local text = (select(index, ...))
        for at = 1, #text, PIECE do
            hasher.update(object, sub(text, at, at + PIECE - 1))
        end
    end
    return object
end

local function class(methods)
    return { __index = methods, __metatable = false }
end

-- digest, hmac

local hashing = {}
local hashing_mt = class(hashing)

function hashing:update(...)
    return feed(self, ...)
end

function hashing:final(...)
    feed(self, ...)
    return hasher.final(self)
end

local digest = {
    new = function(name)
        return setmetatable(hasher.digest(name or "sha1"), hashing_mt)
    end,
}

local hmac = {
    new = function(secret, name)
        return setmetatable(hasher.hmac(name or "sha1", secret), hashing_mt)
    end,
}

-- pkey

local keys = {}
local key_mt = class(keys)

local function as_key(object, why)
    if not object then
        error("pkey.new: " .. why, 3)
    end
    return setmetatable(object, key_mt)
end

function keys:sign(object)
    local signature, why = key.sign(self, object)
    if not signature then
        error("pkey:sign: " .. why, 2)
    end
    return signature
end

function keys:verify(signature, object)
    local valid, why = key.verify(self, object, signature)
    if valid == nil then
        error("pkey:verify: " .. why, 2)
    end
    return valid
end

-- toPEM("public" | "private" ...): one text for each
function keys:toPEM(...)
    local out = {}
    for index = 1, select("#", ...) == 0 and 1 or select("#", ...) do
        local what = (select(index, ...)) or "public"
        local text, why = key.to_pem(self, what:lower():find("private", 1, true) ~= nil)
        if not text then
            error("pkey:toPEM: " .. why, 2)
        end
        out[index] = text
    end
    return unpack(out)
end

function keys:type()
    return key.info(self) == "rsa" and "rsaEncryption" or "id-ecPublicKey"
end

-- Numbers are big-endian strings with the methods of luaossl's that scripts use.
local number_mt = class({
    toBinary = function(self)
        return self.bytes
    end,
    toHex = function(self)
        return host.hash.to_hex(self.bytes):upper()
    end,
})

function keys:getParameters()
    local kind, bits, _, n, e = key.info(self)
    if kind ~= "rsa" then
        return { bits = bits, type = "EC" }
    end
    return {
        bits = bits, type = "RSA", e = setmetatable({ bytes = e }, number_mt),
        n = setmetatable({ bytes = n }, number_mt),
    }
end

local function bytes_of(value)
    if type(value) == "table" and value.bytes then
        return value.bytes
    elseif type(value) == "number" then
        local out = ""
        while value > 0 do
            out = char(value % 256) .. out
            value = (value - value % 256) / 256
        end
        return out
    end
    return value
end

local pkey = {}

-- new(pem), new{ type =, bits = }, new{ type = "RSA", n =, e = }
function pkey.new(what)
    if type(what) == "string" then
        return as_key(key.from_pem(what))
    elseif type(what) ~= "table" then
        error("bad argument #1 to 'new' (string or table expected, got " .. (what == nil and "no value" or type(what)) .. ")", 2)
    end
    local kind = (what.type or "RSA"):upper()
    local numbers = what.n and what or what.params
    if numbers and numbers.n then
        return as_key(key.from_components(bytes_of(numbers.n), bytes_of(numbers.e or 65537)))
    elseif kind == "RSA" then
        return as_key(key.generate("rsa", what.bits or 2048))
    elseif kind == "EC" then
        local bits = { ["prime256v1"] = 256, ["P-256"] = 256, ["secp384r1"] = 384, ["P-384"] = 384, ["secp521r1"] = 521, ["P-521"] = 521 }
        local size = bits[what.curve or "prime256v1"]
        if not size then
            error("pkey.new: curve '" .. tostring(what.curve) .. "' is not available", 2)
        end
        return as_key(key.generate("ec", size))
    end
    error("pkey.new: keys of type '" .. kind .. "' are not available", 2)
end

-- x509

local certificates = {}
local certificate_mt = class(certificates)

function certificates:getPublicKey()
    return as_key(key.certificate_key(self))
end

function certificates:toPEM()
    return key.certificate_pem(self)
end
certificates.tostring = certificates.toPEM
certificate_mt.__tostring = certificates.toPEM

function certificates:getLifetime()
    local found = key.describe(self)
    return found.from, found.to
end

local function name_of(field)
    local mt = {
        __metatable = false,
        __tostring = function(self)
            return self.text
        end,
    }
    return function(self)
        return setmetatable({ text = key.describe(self)[field] }, mt)
    end
end

certificates.getSubject, certificates.getIssuer = name_of("subject"), name_of("issuer")

function certificates:getSerial()
    return setmetatable({ bytes = host.hash.from_hex(key.describe(self).serial) }, number_mt)
end

local x509 = {
    new = function(text)
        local certificate, why = key.certificate(text)
        if not certificate then
            error("x509.new: " .. why, 2)
        end
        return setmetatable(certificate, certificate_mt)
    end,
}

-- rand

local rand = {
    bytes = key.random,
    ready = function()
        return true
    end,
    uniform = function(most)
        most = most or 2 ^ 32
        if most < 1 or most > 2 ^ 32 then
            error("bad argument #1 to 'uniform' (between 1 and 2^32 expected)", 2)
        end
        local limit = 2 ^ 48 - 2 ^ 48 % most
        while true do
            local value, bytes = 0, key.random(6)
            for index = 1, 6 do
                value = value * 256 + bytes:byte(index)
            end
            if value < limit then
                return value % most
            end
        end
    end,
}

-- cipher

local coding = {}
local coding_mt = class(coding)
local names = setmetatable({}, { __mode = "k" })

local function begin(encrypts)
    return function(self, secret, vector, pads)
        local made = cipher.new(names[self], secret, vector, encrypts, pads ~= false, true)
        self[0] = made[0]
        return self
    end
end

coding.encrypt, coding.decrypt = begin(true), begin(false)

function coding:update(...)
    local out = {}
    for index = 1, select("#", ...) do
        local text = (select(index, ...))
        for at = 1, #text, PIECE do
            out[#out + 1] = cipher.update(self, sub(text, at, at + PIECE - 1))
        end
    end
    return concat(out)
end

function coding:final(...)
    local start = coding.update(self, ...)
    local rest, why = cipher.final(self)
    if not rest then
        return nil, why
    end
    return start .. rest
end

local ciphers = {
    new = function(name)
        cipher.size(name)
        local object = setmetatable({}, coding_mt)
        names[object] = name
        return object
    end,
}

return { cipher = ciphers, digest = digest, hmac = hmac, pkey = pkey, rand = rand, x509 = x509 }
