-- ends
function attack(txn)
    for i = 1, 1e5 do txn:set_priv({ txn:get_priv(), i }) end
    return "done"
end
