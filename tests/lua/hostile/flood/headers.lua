-- ends
function attack(txn)
    for i = 1, 1e6 do txn.http:req_add_header("x-" .. i, ("y"):rep(1000)) end
    return "done"
end
