-- killed: cpu-max
function attack()
    local t = {}
    for i = 1, 50000 do t[i .. ""] = 1 end
    for k in pairs(t) do t[k] = nil end
    while true do next(t) end
end
