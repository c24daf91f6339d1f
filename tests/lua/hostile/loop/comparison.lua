-- killed: cpu-max
local function spin() while true do end end
function attack()
    local a, b = setmetatable({}, { __lt = spin, __le = spin, __eq = spin }), 0
    b = setmetatable({}, getmetatable(a))
    return a < b or a == b
end
