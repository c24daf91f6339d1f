-- ends
function attack()
    for _, value in ipairs({ "wait", 1, true, {}, print }) do coroutine.yield(value, value) end
    coroutine.wrap(function() coroutine.yield(nil) coroutine.yield() end)()
    return "done"
end
