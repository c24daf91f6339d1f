-- What LuaJIT must not give even the operator's own scripts unless the configuration grants it:
-- bytecode can do anything, and host functions keep their environment.
local bytecode, host_name, find_library = ...

local error, getfenv, getinfo, rawequal = error, getfenv, debug.getinfo, rawequal
local setfenv, type = setfenv, type

if not bytecode then
    string.dump = nil
    local loadfile, searchpath = loadfile, package.searchpath
    local loaders = package.loaders
    -- As LuaJIT's, but for text.
    loaders[2] = function(name)
        local file, why = searchpath(name, package.path)
        if not file then
            return why
        end
        local chunk, message = loadfile(file)
        if not chunk then
            error("error loading module '" .. name .. "' from file '" .. file .. "':\n\t" .. message, 0)
        end
        return chunk
    end
end

-- Libraries of the host: some before the files that are found, the others after those of Lua.
if package then
    local loaders = package.loaders
    local function loader(early)
        return function(name)
            local chunk, functions = find_library(name, early)
            return chunk and function()
                return chunk(functions)
            end
        end
    end
    table.insert(loaders, 3, loader(false))
    table.insert(loaders, 2, loader(true))
end

-- Whether a function is the host's: written in C, or in Lua by the host.
local function is_host(f)
    if type(f) ~= "function" then
        return false
    end
    local info = getinfo(f, "S")
    return info.what == "C" or info.source == host_name
end

-- A level counts this file's function too.
local function target(f)
    if type(f) == "number" and f >= 1 then
        return f + 1, getinfo(f + 2, "f")
    end
    return f, nil
end

function _G.setfenv(f, env)
    local to, frame = target(f)
    if is_host(frame and frame.func or f) then
        error("'setfenv' cannot change environment of given object", 2)
    end
    local result = setfenv(to, env)
    return result
end

function _G.getfenv(f)
    local to, frame = target(f or 1)
    if is_host(frame and frame.func or f) then
        return _G
    end
    local result = getfenv(to)
    return result
end
