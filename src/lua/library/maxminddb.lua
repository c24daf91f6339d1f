-- `maxminddb`: data of addresses, from a file of MaxMind's format.
local host = ...
local error, select, setmetatable, type = error, select, setmetatable, type
local functions = host.maxminddb

local methods = {}
local database_mt = { __index = methods, __metatable = false }

-- Returns the record of an address as a table, or nil and why there is none.
function methods:lookup(address)
    return functions.lookup(self, address)
end

-- get(address, "country", "iso_code"): a part of it.
function methods:get(address, ...)
    local value, why = functions.lookup(self, address)
    for index = 1, select("#", ...) do
        if type(value) ~= "table" then
            return nil, why
        end
        value = value[(select(index, ...))]
    end
    return value, why
end

function methods:metadata()
    return functions.metadata(self)
end

-- There is nothing to close: it goes with its last user.
function methods.close()
    return true
end

local function open(name)
    local database, why = functions.open(name)
    if not database then
        return nil, why
    end
    return setmetatable(database, database_mt)
end

return {
    open = open,
    new = function(name)
        local database, why = open(name)
        if not database then
            error(why, 2)
        end
        return database
    end,
}
