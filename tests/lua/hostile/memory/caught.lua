-- killed: m
-- policy: cpu-max 10s
-- No pcall gets over it: memory-max, or the out of memory of a single step.
function attack()
    local t = {}
    while true do pcall(function() while true do t[#t + 1] = { {} } end end) end
end
