-- returns: through
-- policy: cpu-max 10s
-- An honest script that makes much garbage and holds little.
function attack()
    local s = 0
    for i = 1, 1000000 do local t = { i, tostring(i) } s = s + #t end
    return s == 2000000 and "through" or s
end
