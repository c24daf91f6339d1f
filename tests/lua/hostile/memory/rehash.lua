-- ends
-- policy: cpu-max 10s
function attack() local t = {} for i = 1, 1e9 do t[i * 2 ^ 20 + 0.5] = i end end
