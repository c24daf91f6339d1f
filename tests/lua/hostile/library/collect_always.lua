-- ends
function attack()
    local t = {}
    for i = 1, 100000 do t[i] = { i } end
    while true do collectgarbage() collectgarbage("collect") collectgarbage("step", 1e9) end
end
