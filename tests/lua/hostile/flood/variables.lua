-- ends
function attack(txn)
    for i = 1, 1e6 do txn:set_var("txn.v" .. i, ("x"):rep(1000)) end
    return "done"
end
