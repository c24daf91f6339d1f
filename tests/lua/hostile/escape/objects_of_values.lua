-- ends
function attack(txn)
    for _, value in ipairs({ 1, true, "x", print, {}, coroutine.create(print), 0 / 0, 1 / 0 }) do
        pcall(function() rawset(txn, 0, value) end)
        pcall(txn.get_var, txn, "txn.x")
        pcall(txn.get_var, value, "txn.x")
        pcall(txn.set_var, { [0] = value }, "txn.x", 1)
    end
    return "done"
end
