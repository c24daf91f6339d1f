-- A policy for headers: what a server is told, what a client is not told.

-- Headers that say what a server is made of. No client needs them.
local telling = { "server", "x-powered-by", "x-aspnet-version" }

-- An action runs among the rules: `http-request lua.clean_request`.
core.register_action("clean_request", { "http-req" }, function(txn)
    -- A client must not tell the server who it is: only this proxy knows.
    txn.http:req_del_header("x-real-ip")
    txn.http:req_set_header("x-real-ip", txn.sf:src())

    -- What a request was called is kept for its answer. Private data lasts for one transaction
    -- and may be any Lua value.
    txn:set_priv({ path = txn.sf:path() })
end)

core.register_action("clean_response", { "http-res" }, function(txn)
    for _, name in ipairs(telling) do
        txn.http:res_del_header(name)
    end
    txn.http:res_set_header("x-content-type-options", "nosniff")

    -- Answers for pages may be kept by nobody; files under /static by anybody.
    local priv = txn:get_priv()
    if priv and priv.path:sub(1, 8) == "/static/" then
        txn.http:res_set_header("cache-control", "public, max-age=3600")
    else
        txn.http:res_set_header("cache-control", "no-store")
    end
end)
