-- killed: cpu-max
function attack() local t = { 1 } while true do for k in next, t do t[k] = k end end end
