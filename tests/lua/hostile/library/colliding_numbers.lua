-- quarantined
-- Numbers whose hashes collide take the square of their count in the one store that makes their
-- table grow. No hook reaches it: the watchdog sees it, and the tenant is left out for a while.
-- policy: memory-max 64m
-- policy: cpu-max 60s
local function number(high, low)
    local exponent, fraction = bit.rshift(high, 20), bit.band(high, 0xfffff) * 2 ^ 32 + low
    return exponent == 0 and fraction * 2 ^ -1074 or (2 ^ 52 + fraction) * 2 ^ (exponent - 1075)
end

function attack()
    local t, count = {}, 0
    for top = 0, 7 do
        for bottom = 0, 4095 do
            -- The bits of the upper word that do not come into the lower 16 of the hash.
            local high = bit.bor(bit.lshift(top, 29), bit.lshift(bottom, 1))
            local low = bit.bxor(bit.rol(high, 14), high) % 2 ^ 32
            local key = number(bit.rshift(high, 1), low)
            -- The sign does not come into the hash.
            t[key], t[-key], count = true, true, count + 2
        end
    end
    t.one = true
    return count
end
