-- The part of a test runner that redis-lua's own tests ask for: contexts, tests, assertions.
local telescope = { failures = {}, passed = 0, skip = {} }

local stack, queue = { { before = {}, after = {}, name = "" } }, {}

function context(name, body)
    local outer = stack[#stack]
    local inner = { outer = outer, before = {}, after = {}, name = outer.name .. name .. ": " }
    stack[#stack + 1] = inner
    body()
    stack[#stack] = nil
end

function before(f)
    table.insert(stack[#stack].before, f)
end

function after(f)
    table.insert(stack[#stack].after, f)
end

function test(name, body)
    local where = stack[#stack]
    queue[#queue + 1] = { name = where.name .. name, body = body, where = where }
end

local function define(name, check)
    _G["assert_" .. name] = function(...)
        if not check(...) then
            error(("assert_%s: %s, %s"):format(name, tostring((...)), tostring((select(2, ...)))), 2)
        end
    end
    _G["assert_not_" .. name] = function(...)
        if check(...) then
            error(("assert_not_%s: %s, %s"):format(name, tostring((...)), tostring((select(2, ...)))), 2)
        end
    end
end

function telescope.make_assertion(name, _, check)
    define(name, check)
end

for name, check in pairs({
    empty = function(t) return next(t) == nil end,
    equal = function(a, b) return a == b end,
    error = function(f) return not pcall(f) end,
    ["false"] = function(a) return a == false end,
    greater_than = function(a, b) return a > b end,
    gte = function(a, b) return a >= b end,
    less_than = function(a, b) return a < b end,
    lte = function(a, b) return a <= b end,
    match = function(a, b) return tostring(b):match(a) end,
    ["nil"] = function(a) return a == nil end,
    ["true"] = function(a) return a == true end,
    type = function(a, b) return type(a) == b end,
}) do
    define(name, check)
end

local function around(where, key)
    if where then
        around(where.outer, key)
        for _, f in ipairs(where[key]) do
            f()
        end
    end
end

local function is_skipped(name)
    for _, part in ipairs(telescope.skip) do
        if name:find(part, 1, true) then
            return true
        end
    end
end

-- Runs the tests that have been noted.
function telescope.run(progress)
    for _, each in ipairs(queue) do
        progress()
        if not is_skipped(each.name) then
            local ok, why = pcall(function()
                around(each.where, "before")
                each.body()
                around(each.where, "after")
            end)
            if ok then
                telescope.passed = telescope.passed + 1
            else
                table.insert(telescope.failures, each.name .. " - " .. tostring(why))
            end
        end
    end
    queue = {}
end

return telescope
