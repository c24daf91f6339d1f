-- killed: memory-max
-- policy: cpu-max 10s
function attack() local t = {} for i = 1, 1e9 do t[i] = { i } end end
