#!/usr/bin/lua5.4
-- What LuaJIT reads only with `dialect 5.4`.
local function show(ok, ...)
    local out = { ... }
    for i = 1, select("#", ...) do
        local value = out[i]
        if math.type(value) == "integer" then
            out[i] = ("%d"):format(value)
        else
            out[i] = tostring(value):gsub("^[^ ]*:(%d+): ", "%1: ")
        end
    end
    print(tostring(ok) .. ": " .. table.concat(out, " "))
end

local numbers <const> = { 0, 1, -1, 2, 7, -7, 31, 32, 33, 63, 64, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, -0x80000000, -0x80000001,
    0xFF00FF00, 1099511627776, -1099511627777, 4503599627370497, 9007199254740991, -9007199254740991 }
for _, a in ipairs(numbers) do
    show(true, ~a, a & a, a | a, a ~ a)
    for _, b in ipairs(numbers) do
        show(true, a & b, a | b, a ~ b)
        if b ~= 0 then
            show(true, a // b)
        end
        -- Further to the left is beyond 2^53, where Lua 5.4 prints what a double has not.
        if b >= -12 and b < 64 and a >= 0 and a < 2 ^ 20 then
            show(true, (a << b) >> b == a, a >> b)
        end
    end
end
show(true, 1 << 62 == 4611686018427387904, 1 << 32, 1 << 64, 1 << -1, 4 >> -1, 0xFFFFFFFF & 0xFF00FF00)
show(true, 7 // 2, -7 // 2, 7 // -2, 7.5 // 2 == 3, -7.5 // 2 == -4)
show(true, "10" // 3, 2.0 | 1)
show(pcall(function() return 1 // 0 end))
show(pcall(function() return 1.5 | 1 end))
show(pcall(function() return 2 ^ 70 & 1 end))
show(pcall(function() return "x" | 1 end) == false)

-- Precedence, and operands of all kinds.
local t <const> = { a = { 12 }, f = function(x) return x, 99 end }
show(true, 1 + 2 << 3, 1 << 2 + 3, 5 & 3 == 1 and 1 or 0, 6 // 4 * 2, -7 // 2 ^ 2 == -2, ~5 & 0xFF, ~~5)
show(true, t.a[1] // #t.a // 5, t.f(7) // t.f(2), (t.f(9)) | t.f(6), #"abc" << #"ab")
show(true, 1 | 2 ~ 3 & 4 << 1 >> 1, 10 // 3 .. "", 3 ~ 5 == 6, (3 ~ 5) == 6)

-- Metamethods.
local mt = {
    __idiv = function(a, b) return "idiv" end, __band = function() return "band" end, __bor = function() return "bor" end,
    __bxor = function() return "bxor" end, __shl = function() return "shl" end, __shr = function() return "shr" end,
    __bnot = function() return "bnot" end,
}
local object = setmetatable({}, mt)
show(true, object // 1, 1 // object, object & 1, 2 | object, object ~ object, object << 1, 1 >> object, ~object)
show(pcall(function() return {} // 1 end) == false)

local x <const>, y, z <const> = 1,
    2 // 1, -- a line
    3
show(true, x, y, z)
show(pcall(function()

    error("of its line")
end))
-- A digest that is right only on more than 32 bits.
local crc = 0xFFFFFFFF
for byte in ("123456789"):gmatch(".") do
    crc = crc ~ byte:byte()
    for _ = 1, 8 do
        crc = crc & 1 == 1 and crc >> 1 ~ 0xEDB88320 or crc >> 1
    end
end
show(true, ("%08x"):format(crc ~ 0xFFFFFFFF))
