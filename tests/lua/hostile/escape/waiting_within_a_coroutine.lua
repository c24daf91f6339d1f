-- returns: true slept dead
function attack()
    local co = coroutine.create(function() core.msleep(1) return "slept" end)
    local ok, first = coroutine.resume(co)
    return tostring(ok) .. " " .. first .. " " .. coroutine.status(co)
end
