-- killed: memory-max
-- policy: cpu-max 10s
function attack() local t = {} for i = 1, 1e9 do t[i] = load("return " .. i .. ", '" .. ("x"):rep(500) .. i .. "'") end end
