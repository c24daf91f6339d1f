-- Small programs, each as nanoseconds of processor time for one round: for any LuaJIT.
-- usage: luajit micro.lua

local bit, clock, char, format = require("bit"), os.clock, string.char, string.format

local kilobyte = {}
for index = 1, 1024 do kilobyte[index] = char(index % 256) end
kilobyte = table.concat(kilobyte)

local programs = {
    { "fnv of 1 KiB", 20000, function()
        local hash, multiply = 2166136261, 16777619
        for index = 1, #kilobyte do
            local mixed = bit.bxor(hash, kilobyte:byte(index))
            -- 32 bits of the product, in two halves that a double holds.
            local low = bit.band(mixed, 0xffff) * multiply
            local high = bit.rshift(mixed, 16) * multiply
            hash = bit.tobit(low + bit.lshift(bit.band(high, 0xffff), 16))
        end
        return hash
    end },
    { "sum of 1000", 100000, function()
        local sum = 0
        for index = 1, 1000 do sum = sum + index end
        return sum
    end },
    { "fib 15", 1000, function()
        local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
        return fib(15)
    end },
    { "table of 100", 20000, function()
        local list = {}
        for index = 1, 100 do list[index] = index * 2 end
        local sum = 0
        for _, value in ipairs(list) do sum = sum + value end
        return sum
    end },
    { "fields", 50000, function()
        local point = { x = 1, y = 2, name = "p" }
        for _ = 1, 10 do point.x = point.x + point.y end
        return point.x
    end },
    { "concat of 50", 10000, function()
        local parts = {}
        for index = 1, 50 do parts[index] = "part" .. index end
        return #table.concat(parts, ",")
    end },
    { "header work", 20000, function()
        local name, value = ("X-Forwarded-For: 10.0.0.1, 10.0.0.2"):match("^([^:]+):%s*(.*)$")
        local count = 0
        for part in value:gmatch("[^,%s]+") do count = count + #part end
        return name:lower() .. format("%d", count)
    end },
    { "sort of 100", 2000, function()
        local list = {}
        for index = 1, 100 do list[index] = (index * 7919) % 101 end
        table.sort(list)
        return list[1]
    end },
}

local lines = {}
for _, program in ipairs(programs) do
    local name, rounds, run = program[1], program[2], program[3]
    local best = math.huge
    for _ = 1, 7 do
        local begin = clock()
        for _ = 1, rounds do run() end
        best = math.min(best, (clock() - begin) / rounds * 1e9)
    end
    lines[#lines + 1] = format("%s\t%.0f", name, best)
end
local text = table.concat(lines, "\n")
if arg then print(text) end
return text
