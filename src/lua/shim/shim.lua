-- What Lua 5.2 to 5.4 have beside LuaJIT's libraries; a number is a double, and an integer is one
-- without a fraction. What few scripts use is made when it is first looked at.
local host, make = ...

local error, floor, pairs, select = error, math.floor, pairs, select
local setmetatable, tonumber, type = setmetatable, tonumber, type

-- Returns a function of the host.
local function take(class, name)
    return host.make(host.find(class, name))
end

string.pack, string.packsize = take("string", "pack"), take("string", "packsize")
string.unpack, warn = take("string", "unpack"), take("shim", "warn")

local EXACT = 2 ^ 53

local function is_integer(number)
    return floor(number) == number and number >= -EXACT and number <= EXACT
end

math.maxinteger, math.mininteger = EXACT - 1, 1 - EXACT

function math.type(...)
    if select("#", ...) == 0 then
        error("bad argument #1 to 'type' (value expected)", 2)
    end
    local value = ...
    if type(value) ~= "number" then
        return nil
    end
    return is_integer(value) and "integer" or "float"
end

function math.tointeger(...)
    if select("#", ...) == 0 then
        error("bad argument #1 to 'tointeger' (value expected)", 2)
    end
    local value = ...
    local number = (type(value) == "number" or type(value) == "string") and tonumber(value)
    if number and is_integer(number) then
        return number
    end
    return nil
end

math.ult = take("shim", "ult")

local function lazy(name)
    local list = {}
    local function fill()
        setmetatable(list, nil)
        for key, value in pairs(make(name)) do
            list[key] = value
        end
        return list
    end
    _G[name] = setmetatable(list, {
        __index = function(_, key)
            return fill()[key]
        end,
        __pairs = function()
            return pairs(fill())
        end,
    })
    if package then
        package.loaded[name] = list
    end
end

lazy("bit32")
lazy("bit64")
lazy("utf8")
