-- killed: memory-max
-- policy: cpu-max 10s
function attack() local t = {} for i = 1, 1e9 do t["k" .. i] = true end end
