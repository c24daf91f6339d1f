-- ends
function attack(txn)
    txn.http:req_set_header("x-large", ("y"):rep(1000000))
    txn.http:req_set_uri("/" .. ("z"):rep(1000000))
    txn.http:req_set_method(("M"):rep(100000))
    return "done"
end
