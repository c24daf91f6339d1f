-- killed: memory-max
-- policy: cpu-max 10s
function attack() for i = 1, 1e9 do _G["g" .. i] = ("x"):rep(100) .. i end end
