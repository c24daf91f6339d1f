-- killed: cpu-max
function attack() local t = {} while #t < 1e7 do table.insert(t, 1, 1) end end
