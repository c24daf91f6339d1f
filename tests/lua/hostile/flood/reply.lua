-- ends
function attack(txn)
    for _ = 1, 100 do
        local reply = txn:reply()
        reply:set_body(("x"):rep(1000000))
        for i = 1, 1000 do reply:add_header("x", ("y"):rep(1000)) end
    end
    return "done"
end
