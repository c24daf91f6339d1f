-- ends
function attack(txn)
    if not co then
        co = coroutine.create(function() core.msleep(20) return "a" end)
        coroutine.resume(co)
        return "slept"
    end
    return tostring(coroutine.resume(co, "b"))
end
