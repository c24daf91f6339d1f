-- math, table, coroutine.close, warn.
local function show(ok, ...)
    local out = { ... }
    for i = 1, select("#", ...) do
        out[i] = tostring(out[i])
        if not ok then
            -- Lua names a function as it is called.
            out[i] = out[i]:gsub("^[^:]*:%d+: ", ""):gsub("to '[^']*'", "to f")
        end
    end
    print(tostring(ok) .. ": " .. table.concat(out, " "))
end

local function call(f, ...)
    local arguments = table.pack(...)
    show(pcall(function()
        local result = table.pack(f(table.unpack(arguments, 1, arguments.n)))
        return table.unpack(result, 1, result.n)
    end))
end

for _, value in ipairs({ 1, -1, 0, 1.5, 2 ^ 40 + 0.5, "1", "x", {}, true, 1 / 0, -1 / 0, "0x10", "1.5", " 7 " }) do
    call(math.tointeger, value)
end
for _, value in ipairs({ 1, -1, 0, 1.5, 1 / 0, "1", {}, true, math.maxinteger, math.mininteger }) do
    call(math.type, value)
end
call(math.type, nil)
call(math.type)
call(math.tointeger)
call(math.tointeger, nil)
for _, a in ipairs({ 0, 1, -1, 5, -5, 2 ^ 40 }) do
    for _, b in ipairs({ 0, 1, -1, 5, -5, 2 ^ 40 }) do
        call(math.ult, a, b)
    end
end
call(math.ult, 1)
call(math.ult, 1, "x")
call(math.ult, 1.5, 1)
call(math.ult, "1", "2")
print(math.maxinteger > 2 ^ 50, math.mininteger < -2 ^ 50, math.maxinteger - 1 < math.maxinteger)

local packed = table.pack(1, nil, 3)
print(packed.n, packed[1], packed[2], packed[3], table.unpack({ 1, 2, 3 }, 2))
print(table.concat(table.move({ 1, 2, 3 }, 1, 3, 2), " "), table.concat(table.move({ 1, 2 }, 1, 2, 3, { 9, 9 }), " "))

-- coroutine.close
local function state(co)
    return coroutine.status(co)
end
local co = coroutine.create(function()
    coroutine.yield(1)
    error("never")
end)
print(state(co), coroutine.resume(co))
print(state(co), coroutine.close(co))
print(state(co), coroutine.resume(co))
print(coroutine.close(co))
local failing = coroutine.create(function()
    error("why", 0)
end)
print(coroutine.resume(failing))
print(state(failing), coroutine.close(failing))
print(coroutine.close(failing))
local object = {}
local other = coroutine.create(function()
    error(object)
end)
coroutine.resume(other)
print(select("#", coroutine.close(other)))
local done = coroutine.create(function() end)
print(coroutine.resume(done), coroutine.close(done), state(done))
print(coroutine.close(coroutine.create(print)))
local outer
outer = coroutine.create(function()
    local inner = coroutine.create(function()
        call(coroutine.close, outer)
    end)
    coroutine.resume(inner)
    show(pcall(function()
        local ok = coroutine.close((coroutine.running()))
        return ok
    end))
end)
coroutine.resume(outer)
call(coroutine.close, 1 == 1)
show(pcall(coroutine.wrap(function()
    local co = coroutine.create(function()
        coroutine.yield()
    end)
    coroutine.resume(co)
    return coroutine.close(co), state(co)
end)))

warn("@off")
warn("not ", "shown")
call(warn)
call(warn, "a", {})
call(warn, 1, 2)
warn("@unknown")
