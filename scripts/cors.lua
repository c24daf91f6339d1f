-- A CORS policy: which pages of other origins may use this site from a browser.

-- The origins that may, and whether they may send cookies along.
local allowed = {
    ["https://app.example.com"] = { credentials = true },
    ["https://partner.example.net"] = { credentials = false },
}

local methods = "GET, HEAD, POST, PUT, DELETE"
local max_age = "600"

-- What an answer to a known origin has. An answer that depends on the origin says so in `vary`,
-- or a cache would give it to the wrong page.
local function headers(origin)
    local fields = {
        ["access-control-allow-origin"] = origin,
        ["vary"] = "origin",
    }
    if allowed[origin].credentials then
        fields["access-control-allow-credentials"] = "true"
    end
    return fields
end

core.register_action("cors_request", { "http-req" }, function(txn)
    local origin = txn.f:req_hdr("origin")
    if origin == nil or allowed[origin] == nil then
        return
    end
    txn:set_priv({ origin = origin })

    -- A preflight asks before the request itself; it is answered here.
    if txn.sf:method() ~= "OPTIONS" or txn.f:req_hdr("access-control-request-method") == nil then
        return
    end
    local reply = txn:reply({ status = 204 })
    for name, value in pairs(headers(origin)) do
        reply:add_header(name, value)
    end
    reply:add_header("access-control-allow-methods", methods)
    reply:add_header("access-control-max-age", max_age)

    -- The headers that are asked for are names: nothing else is sent back.
    local asked = txn.sf:req_fhdr("access-control-request-headers")
    if asked:match("^[%w%-, ]+$") then
        reply:add_header("access-control-allow-headers", asked)
    end
    txn:done(reply)
end)

core.register_action("cors_response", { "http-res" }, function(txn)
    -- What a server says of origins does not count.
    for _, name in ipairs({ "origin", "credentials", "methods", "headers" }) do
        txn.http:res_del_header("access-control-allow-" .. name)
    end
    local priv = txn:get_priv()
    if priv then
        for name, value in pairs(headers(priv.origin)) do
            txn.http:res_add_header(name, value)
        end
    end
end)
