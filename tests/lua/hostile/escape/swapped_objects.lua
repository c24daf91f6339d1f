-- ends
-- The data of one object in an object of another class.
function attack(txn)
    local out = {}
    for _, pair in ipairs({ { txn, txn.f }, { txn.f, txn }, { txn.http or {}, txn.f }, { txn.req or {}, txn },
        { txn.c, txn.req or {} } }) do
        local a, b = pair[1], pair[2]
        pcall(function() a[0] = rawget(b, 0) end)
        for name, method in pairs(type(getmetatable(a)) == "table" and getmetatable(a).__index or {}) do
            if type(method) == "function" and name ~= "done" then pcall(method, a, "x", "y") end
        end
        pcall(function() return a:get_var("txn.x") end)
        pcall(function() return a:path() end)
        pcall(function() return a:req_get_headers() end)
    end
    return "done"
end
