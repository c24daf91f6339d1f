-- ends
function attack()
    if not (os and os.date) then return "none" end
    for i = 1, 255 do pcall(os.date, "%" .. string.char(i)) pcall(os.date, "!%" .. string.char(i), 1e300) end
    pcall(os.date, ("%c"):rep(100000)) pcall(os.date, "*t", -1e18) pcall(os.date, "%E") pcall(os.date, "%")
    pcall(os.time, { year = 1e300, month = 1, day = 1 }) pcall(os.time, { year = 2 ^ 31, month = -2 ^ 31, day = 2 ^ 31 })
    pcall(os.time, setmetatable({}, { __index = function() error("x") end })) pcall(os.difftime, 0 / 0, 1)
    return "done"
end
