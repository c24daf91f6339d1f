-- ends
function attack(txn)
    for i = 1, 1e5 do txn:set_var("proc.v" .. i, ("x"):rep(1000)) txn:set_var("sess.v" .. i, "y") end
    return "done"
end
