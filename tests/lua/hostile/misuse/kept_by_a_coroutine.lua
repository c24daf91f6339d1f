-- ends
function attack(txn)
    local before = waiting
    waiting = coroutine.wrap(function() while true do coroutine.yield(pcall(txn.f.path, txn.f)) end end)
    return tostring(before and before())
end
