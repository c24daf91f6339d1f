-- ends
function attack(txn)
    pcall(function() txn.http:res_set_status(999) txn.http:res_set_status(-1) txn.http:res_set_status(0 / 0) end)
    pcall(function() txn.http:res_add_header("a", "b") txn.http:res_get_headers() end)
    pcall(function() txn.res:append(("x"):rep(1e6)) txn.res:set("x") txn.res:forward(-1) end)
    pcall(function() txn.req:get() txn.req:dup() txn.req:getline() txn.req:forward(2 ^ 53) end)
    return "done"
end
