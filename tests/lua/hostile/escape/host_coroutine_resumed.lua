-- returns: refused
function attack()
    local own = coroutine.running()
    local co = coroutine.create(function() return coroutine.resume(own, "x") end)
    local ok, inner = coroutine.resume(co)
    return inner and "resumed" or "refused"
end
