-- `crypto`: the calls of luacrypto.
local host = ...

local concat, error, ipairs, setmetatable = table.concat, error, ipairs, setmetatable
local sub, tostring, type = string.sub, tostring, type
local cipher, hasher, key = host.cipher, host.hasher, host.key
local to_hex = host.hash.to_hex

-- Others run between pieces of this size.
local PIECE = 65536

local crypto = { _VERSION = "LuaCrypto 0.3.1" }

local function feed(update, object, text)
    if #text <= PIECE then
        return update(object, text)
    end
    local parts = {}
    for at = 1, #text, PIECE do
        parts[#parts + 1] = update(object, sub(text, at, at + PIECE - 1))
    end
    return parts
end

local function need(name, index, value)
    local kind = type(value)
    if kind ~= "string" and kind ~= "number" then
        error("bad argument #" .. index .. " to '" .. name .. "' (string expected, got " .. (value == nil and "no value" or kind) .. ")", 3)
    end
    return tostring(value)
end

local function class(name, methods)
    return {
        __index = methods,
        __metatable = false,
        __tostring = function(self)
            return name .. " " .. (methods.describe and methods.describe(self) or "object")
        end,
    }
end

-- A table that can be called, and has `new`.
local function callable(call, fields)
    return setmetatable(fields, {
        __call = function(_, ...)
            return call(...)
        end,
    })
end

crypto.hex = to_hex

-- Digests and HMACs

local function shown(bytes, raw)
    return raw and bytes or to_hex(bytes)
end

local hashing = {}

function hashing:update(text)
    feed(hasher.update, self, need("update", 1, text))
    return self
end

-- final([text][, raw])
function hashing:final(text, raw)
    if type(text) == "boolean" then
        text, raw = nil, text
    elseif text ~= nil then
        feed(hasher.update, self, need("final", 1, text))
    end
    return shown(hasher.final(self), raw)
end

function hashing:reset()
    hasher.reset(self)
    return self
end

local digest_mt, hmac_mt

function hashing:clone()
    return setmetatable(hasher.clone(self), self.is_keyed and hmac_mt or digest_mt)
end

hashing.describe = hasher.name
digest_mt = class("crypto.digest", hashing)
local keyed = setmetatable({ is_keyed = true }, { __index = hashing })
hmac_mt = class("crypto.hmac", keyed)

local function digest(name, text, raw)
    local object = hasher.digest(need("digest", 1, name))
    feed(hasher.update, object, need("digest", 2, text))
    return shown(hasher.final(object), raw)
end

crypto.digest = callable(digest, {
    new = function(name)
        return setmetatable(hasher.digest(need("new", 1, name)), digest_mt)
    end,
})

local function hmac(name, text, secret, raw)
    local object = hasher.hmac(need("digest", 1, name), need("digest", 3, secret))
    feed(hasher.update, object, need("digest", 2, text))
    return shown(hasher.final(object), raw)
end

crypto.hmac = callable(hmac, {
    digest = hmac,
    new = function(name, secret)
        return setmetatable(hasher.hmac(need("new", 1, name), need("new", 2, secret)), hmac_mt)
    end,
})

-- Ciphers

local coding = {}

function coding:update(text)
    local out = feed(cipher.update, self, need("update", 1, text))
    return type(out) == "table" and concat(out) or out
end

function coding:final()
    return cipher.final(self)
end

local encrypt_mt, decrypt_mt = class("crypto.encrypt", coding), class("crypto.decrypt", coding)

local function pads(value)
    return value == nil or value == true
end

local function coder(encrypts, mt)
    local function new(name, secret, vector, pad)
        local object = cipher.new(need("new", 1, name), need("new", 2, secret), vector, encrypts, pads(pad))
        return setmetatable(object, mt)
    end
    return callable(function(name, text, secret, vector, pad)
        local object = cipher.new(need("encrypt", 1, name), need("encrypt", 3, secret), vector, encrypts, pads(pad))
        local start = coding.update(object, text)
        local rest, why = cipher.final(object)
        if not rest then
            return nil, why
        end
        return start .. rest
    end, { new = new })
end

crypto.encrypt, crypto.decrypt = coder(true, encrypt_mt), coder(false, decrypt_mt)

-- Keys

local keys = {}
local key_mt = class("crypto.pkey", keys)

local function as_key(object, why)
    if not object then
        return nil, why
    end
    return setmetatable(object, key_mt)
end

local function no_password(name, pass)
    if pass ~= nil then
        error(name .. ": keys with a password are not available", 3)
    end
end

function keys:to_pem(private, pass)
    no_password("to_pem", pass)
    return key.to_pem(self, private == true)
end

function keys:describe()
    local kind, bits, private = key.info(self)
    return kind .. " " .. bits .. (private and " private" or " public")
end

-- Files are the script's own business: as its `io` reads and writes them.
local function open(name, mode)
    if type(io) ~= "table" then
        error("pkey: no file can be opened here", 3)
    end
    return io.open(name, mode)
end

function keys:write(public, private, pass)
    no_password("write", pass)
    for _, each in ipairs({ { public, false }, { private, true } }) do
        if each[1] then
            local file, why = open(each[1], "w")
            if not file then
                return nil, why
            end
            local text, wrong = key.to_pem(self, each[2])
            if not text then
                file:close()
                return nil, wrong
            end
            file:write(text)
            file:close()
        end
    end
    return true
end

crypto.pkey = {
    from_pem = function(text, private, pass)
        no_password("from_pem", pass)
        return as_key(key.from_pem(text, private == true))
    end,
    generate = function(kind, bits)
        return as_key(key.generate(need("generate", 1, kind), bits))
    end,
    read = function(name, private, pass)
        no_password("read", pass)
        local file, why = open(name, "r")
        if not file then
            return nil, why
        end
        local text = file:read("*a")
        file:close()
        return as_key(key.from_pem(text, private == true))
    end,
}

-- Signatures

local signing, checking = {}, {}

function signing:update(text)
    feed(hasher.update, self, need("update", 1, text))
    return self
end
checking.update = signing.update

function signing:final(secret)
    return key.sign(secret, self)
end

function checking:final(signature, public)
    return key.verify(public, self, need("final", 1, signature))
end

local sign_mt, verify_mt = class("crypto.sign", signing), class("crypto.verify", checking)

crypto.sign = callable(function(name, text, secret)
    local object = hasher.digest(need("sign", 1, name))
    feed(hasher.update, object, need("sign", 2, text))
    return key.sign(secret, object)
end, {
    new = function(name)
        return setmetatable(hasher.digest(need("new", 1, name)), sign_mt)
    end,
})

crypto.verify = callable(function(name, text, signature, public)
    local object = hasher.digest(need("verify", 1, name))
    feed(hasher.update, object, need("verify", 2, text))
    return key.verify(public, object, need("verify", 3, signature))
end, {
    new = function(name)
        return setmetatable(hasher.digest(need("new", 1, name)), verify_mt)
    end,
})

-- Certificates

local certificate_mt = class("crypto.x509_cert", {
    from_pem = function(self, text)
        local certificate, why = key.certificate(text)
        if not certificate then
            return nil, why
        end
        self[0] = certificate[0]
        return self
    end,
    pubkey = function(self)
        return as_key(key.certificate_key(self))
    end,
})

function crypto.x509_cert()
    return setmetatable({}, certificate_mt)
end

local lists = setmetatable({}, { __mode = "k" })

local ca_mt = class("crypto.x509_ca", {
    add_pem = function(self, text)
        local certificate, why = key.certificate(text)
        if not certificate then
            return nil, why
        end
        local list = lists[self]
        list[#list + 1] = certificate
        return true
    end,
    verify_pem = function(self, text)
        local certificate, why = key.certificate(text)
        if not certificate then
            return nil, why
        end
        return key.is_trusted(certificate, lists[self])
    end,
})

function crypto.x509_ca()
    local object = setmetatable({}, ca_mt)
    lists[object] = {}
    return object
end

-- Random bytes come from the system: it needs no seed.
local function nothing()
    return true
end

local function refuse(name, why)
    return function()
        error(name .. ": not available: " .. why, 2)
    end
end

crypto.rand = {
    add = nothing, bytes = key.random, cleanup = nothing, pseudo_bytes = key.random,
    load = refuse("rand.load", "the system has the seed"), seed = nothing, status = nothing,
    write = refuse("rand.write", "the system has the seed"),
}

local ENVELOPES = "envelopes of RSA are left out"
crypto.seal = callable(refuse("seal", ENVELOPES), { new = refuse("seal", ENVELOPES) })
crypto.open = callable(refuse("open", ENVELOPES), { new = refuse("open", ENVELOPES) })

function crypto.list(what)
    if what == "ciphers" then
        return cipher.list()
    elseif what == "digests" then
        return hasher.list()
    end
    error("bad argument #1 to 'list' ('ciphers' or 'digests' expected)", 2)
end

return crypto
