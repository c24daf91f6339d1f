-- ends
-- Each of these functions may be compiled; machine code has a limit of its own.
function attack()
    local t = {}
    for i = 1, 1e6 do
        local f = load("local n = ... for i = 1, 200 do n = n + " .. i .. " end return n")
        t[i % 50] = f
        f(1)
    end
end
