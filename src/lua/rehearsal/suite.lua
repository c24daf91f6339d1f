-- Tests in the style of describe and it; the host declares, runs and reports them.
local host = ...
local show = host.show

local error, getmetatable, ipairs, next, pairs, pcall, rawequal, rawget, select = error, getmetatable, ipairs, next, pairs, pcall, rawequal, rawget, select
local setmetatable, sort, tostring, type = setmetatable, table.sort, tostring, type
local getinfo = debug.getinfo

local tests = {}
local top = { before = {}, after = {} }
local group = top

local function check(name, body, what)
    if type(name) ~= "string" then
        error("'" .. what .. "' takes a name, not " .. type(name), 3)
    elseif type(body) ~= "function" then
        error("'" .. what .. "' takes a function behind its name, not " .. type(body), 3)
    end
end

function describe(name, body)
    check(name, body, "describe")
    local outer = group
    group = { name = name, outer = outer, before = {}, after = {} }
    local ok, why = pcall(body)
    group = outer
    if not ok then
        error(why, 0)
    end
end

local function full_name(name)
    local at = group
    while at.name do
        name = at.name .. ": " .. name
        at = at.outer
    end
    return name
end

local function declare(name, body)
    tests[#tests + 1] = { body = body, group = group }
    host.declare(full_name(name), body ~= nil, getinfo(3, "l").currentline)
end

function it(name, body)
    check(name, body, "it")
    declare(name, body)
end

-- A test that is not run, but counted.
function pending(name)
    if type(name) ~= "string" then
        error("'pending' takes a name, not " .. type(name), 2)
    end
    declare(name, nil)
end

function before_each(body)
    check("", body, "before_each")
    group.before[#group.before + 1] = body
end

function after_each(body)
    check("", body, "after_each")
    group.after[#group.after + 1] = body
end

local function text(value)
    -- Of a text of several lines, each is compared.
    if type(value) == "string" and value:find("\n", 1, true) then
        return value
    end
    return show(value)
end

local function equal(one, other, seen)
    if rawequal(one, other) then
        return true
    elseif type(one) ~= "table" or type(other) ~= "table" then
        return one == other
    end
    if seen[one] == other then
        return true
    end
    seen[one] = other
    for key, value in next, one do
        if not equal(value, other[key], seen) then
            return false
        end
    end
    for key in next, other do
        if one[key] == nil then
            return false
        end
    end
    return true
end

local failure = {}

local function fail(message, expected, got)
    -- The script's line: below it are this function, `judge` and what a matcher's name gave.
    local place = getinfo(4, "Sl")
    local file = place and place.source:match("^@(.*)")
    host.complain(message, file and file .. ":" .. place.currentline or "", expected, got)
    error(setmetatable({}, failure), 0)
end

-- Each says whether it holds, and what was expected.
local matchers = {
    to_be = function(got, wanted)
        return rawequal(got, wanted), "to be " .. text(wanted), text(wanted)
    end,
    to_equal = function(got, wanted)
        return equal(got, wanted, {}), "to equal " .. text(wanted), text(wanted)
    end,
    to_be_nil = function(got)
        return got == nil, "to be nil", "nil"
    end,
    to_be_truthy = function(got)
        return got ~= nil and got ~= false, "to be neither false nor nil"
    end,
    to_be_falsy = function(got)
        return got == nil or got == false, "to be false or nil"
    end,
    to_be_a = function(got, kind)
        return type(got) == kind, "to be a " .. tostring(kind)
    end,
    to_be_near = function(got, wanted, distance)
        distance = distance or 1e-6
        local near = type(got) == "number" and math.abs(got - wanted) <= distance
        return near, "to be within " .. distance .. " of " .. tostring(wanted)
    end,
    to_be_greater_than = function(got, limit)
        return got > limit, "to be greater than " .. text(limit)
    end,
    to_be_less_than = function(got, limit)
        return got < limit, "to be less than " .. text(limit)
    end,
    to_match = function(got, pattern)
        return type(got) == "string" and got:find(pattern) ~= nil, "to match " .. text(pattern)
    end,
    to_contain = function(got, part)
        if type(got) == "string" then
            return got:find(part, 1, true) ~= nil, "to contain " .. text(part)
        end
        for _, value in pairs(type(got) == "table" and got or {}) do
            if equal(value, part, {}) then
                return true, "to contain " .. text(part)
            end
        end
        return false, "to contain " .. text(part)
    end,
    to_raise = function(run, pattern)
        local ok, why = pcall(run)
        local wanted = pattern and "to raise an error that matches " .. text(pattern) or "to raise an error"
        return not ok and (not pattern or tostring(why):find(pattern) ~= nil), wanted, nil,
            ok and "no error" or tostring(why)
    end,
}

local function judge(name, self, negative, ...)
    local value = rawget(self, "got")
    local holds, wanted, expected, got = matchers[name](value, ...)
    if not holds == negative then
        return
    end
    got = got or text(value)
    if negative then
        fail("expected " .. got .. " never " .. wanted)
    elseif expected then
        fail(name == "to_equal" and "expected to equal" or "expected to be", expected, got)
    end
    fail("expected " .. got .. " " .. wanted)
end

local always, never

local function class(negative)
    return {
        __index = function(self, name)
            if name == "never" and not negative then
                return setmetatable({ got = rawget(self, "got") }, never)
            elseif not matchers[name] then
                error("expect: unknown matcher '" .. tostring(name) .. "'", 2)
            end
            -- With a dot or with a colon.
            return function(first, ...)
                if rawequal(first, self) then
                    judge(name, self, negative, ...)
                else
                    judge(name, self, negative, first, ...)
                end
                return self
            end
        end,
    }
end

always, never = class(false), class(true)

function expect(...)
    if select("#", ...) == 0 then
        error("'expect' takes a value", 2)
    end
    return setmetatable({ got = (...) }, always)
end

local function hooks(at, name, first_outer)
    if not at then
        return
    end
    if first_outer then
        hooks(at.outer, name, true)
    end
    for _, hook in ipairs(at[name]) do
        hook()
    end
    if not first_outer then
        hooks(at.outer, name, false)
    end
end

local function attempt(run, ...)
    local ok, why = pcall(run, ...)
    if not ok and getmetatable(why) ~= failure then
        host.complain(type(why) == "string" and why or text(why), "")
    end
    return ok
end

return function(number)
    local test = tests[number]
    local good = attempt(hooks, test.group, "before", true) and attempt(test.body)
    return attempt(hooks, test.group, "after", false) and good
end
