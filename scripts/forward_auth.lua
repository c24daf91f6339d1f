-- Forward authentication: another server says whether a request may pass. It is asked with the
-- headers that tell who the client is; what it says of the user goes to the server behind.

local address = os.getenv("AUTH") or "127.0.0.1:8001"

-- What the other server is told, and what it may tell.
local asked = { "authorization", "cookie" }
local told = { "x-auth-user", "x-auth-groups" }
-- What of its refusal the client sees.
local shown = { "www-authenticate", "location", "content-type", "set-cookie" }

local function question(txn)
    local headers = {
        ["host"] = { address },
        ["x-forwarded-for"] = { txn.sf:src() },
        ["x-forwarded-host"] = { txn.sf:req_hdr("host") },
        ["x-forwarded-method"] = { txn.sf:method() },
        ["x-forwarded-uri"] = { txn.sf:url() },
    }
    for _, name in ipairs(asked) do
        local value = txn.f:req_fhdr(name)
        if value then
            headers[name] = { value }
        end
    end
    return headers
end

core.register_action("forward_auth", { "http-req" }, function(txn)
    -- Only the other server says who somebody is.
    for _, name in ipairs(told) do
        txn.http:req_del_header(name)
    end

    local client = core.httpclient()
    local answer = client:get({
        url = "http://" .. address .. "/auth",
        headers = question(txn),
        timeout = 5000,
    })
    local status = answer and answer.status or 0

    if status >= 200 and status < 300 then
        for _, name in ipairs(told) do
            local values = answer.headers[name]
            if values then
                txn.http:req_set_header(name, values[0])
            end
        end
        -- The rule that lets pass asks for this: an action that failed has not set it.
        txn:set_var("txn.authenticated", true)
        return
    end

    -- A server that cannot be asked has not said yes.
    local refused = status >= 300 and status < 500
    local reply = txn:reply({ status = refused and status or 503 })
    if refused then
        for _, name in ipairs(shown) do
            local values = answer.headers[name]
            if values then
                reply:add_header(name, values[0])
            end
        end
        reply:set_body(answer.body or "")
    end
    txn:done(reply)
end)
