-- ends
function attack()
    coroutine.yield("x")
    local out = ("abc"):gsub(".", function(c) core.msleep(1) return c:upper() end)
    local ok = pcall(table.sort, { 3, 1, 2 }, function(a, b) core.yield() return a < b end)
    return out .. tostring(ok)
end
