-- ends
function attack(txn)
    local s = ("x"):rep(1000000)
    for i = 1, 1000 do txn:set_var("txn.big" .. i, s .. i) end
    return "done"
end
