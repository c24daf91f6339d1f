-- Functions of LuaJIT's libraries with which a script could hold its worker or overrun its stack.
-- What calls the script back does so from Lua here: it can be preempted, and may wait.
local dying = ...

local error, find, getmetatable, pcall, rawequal = error, string.find, getmetatable, pcall, rawequal
local select, sub, type = select, string.sub, type
local concat, min = table.concat, math.min
local plain_insert, plain_load = table.insert, load
local plain_loadfile, plain_sort, plain_xpcall = loadfile, table.sort, xpcall
local traceback = debug.traceback

local function less_than(a, b)
    return a < b
end

-- Whether `<` of the elements calls nothing and raises nothing.
local function is_simple(list, length)
    local kind = type(list[1])
    if kind ~= "number" and kind ~= "string" then
        return false
    end
    for index = 2, length do
        if type(list[index]) ~= kind then
            return false
        end
    end
    return true
end

-- By merging: quicksort takes the square of the time for lists that are made for it.
function table.sort(list, less)
    local is_plain = type(list) == "table" and getmetatable(list) == nil
    local length = is_plain and #list or 0
    if not is_plain or less == nil and not is_simple(list, length) or less ~= nil and type(less) ~= "function" then
        return plain_sort(list, less)
    end
    less = less or less_than
    local from, to, width = {}, {}, 1
    for index = 1, length do
        from[index] = list[index]
    end
    while width < length do
        for low = 1, length, 2 * width do
            local middle, high = min(low + width, length + 1), min(low + 2 * width, length + 1)
            local left, right = low, middle
            for index = low, high - 1 do
                if left < middle and (right >= high or not less(from[right], from[left])) then
                    to[index], left = from[left], left + 1
                else
                    to[index], right = from[right], right + 1
                end
            end
        end
        from, to, width = to, from, 2 * width
    end
    for index = 1, length do
        list[index] = from[index]
    end
end

-- LuaJIT moves all between a position far away and the end of the list.
function table.insert(list, ...)
    if select("#", ...) == 2 and type(list) == "table" then
        local position = ...
        if type(position) == "number" and not (position >= 1 and position <= #list + 1) then
            error("bad argument #2 to 'insert' (position out of bounds)", 2)
        end
    end
    return plain_insert(list, ...)
end

-- LuaJIT runs no hook in a handler that is called for an error of the hook itself.
function xpcall(f, handler, ...)
    if handler == nil or rawequal(handler, traceback) then
        return plain_xpcall(f, handler, ...)
    end
    return plain_xpcall(f, function(message)
        if dying() then
            return message
        end
        return handler(message)
    end, ...)
end

-- Text only: bytecode can do anything.
local function text_mode(mode)
    return mode == nil or type(mode) == "string" and find(mode, "t", 1, true) ~= nil
end

local WRONG_MODE = "attempt to load chunk with wrong mode"

-- Readers are read to their end first: LuaJIT runs no hook any more after one that was stopped.
local function read_all(reader)
    local parts, size = {}, 0
    while true do
        local part = reader()
        if part == nil or part == "" then
            return concat(parts)
        elseif type(part) ~= "string" then
            error("reader function must return a string", 0)
        end
        size = size + 1
        parts[size] = part
    end
end

function load(chunk, name, mode, ...)
    if not text_mode(mode) then
        return nil, WRONG_MODE
    elseif type(chunk) == "function" then
        local ok, text = pcall(read_all, chunk)
        if not ok then
            return nil, text
        end
        chunk, name = text, name or "=(load)"
    end
    return plain_load(chunk, name, "t", ...)
end

function loadstring(text, name)
    return plain_load(text, name, "t")
end

function loadfile(file, mode, ...)
    if not text_mode(mode) then
        return nil, WRONG_MODE
    end
    return plain_loadfile(file, "t", ...)
end

function dofile(file)
    local chunk, why = plain_loadfile(file, "t")
    if not chunk then
        error(why, 0)
    end
    return chunk()
end

-- The hook is the host's.
function debug.sethook()
    error("debug.sethook: not available", 2)
end

-- What these call runs where no hook does.
if jit then
    jit.attach = nil
end
package.preload["jit.profile"], package.loaded["jit.profile"] = nil, nil

-- Nor do finalizers: files keep theirs.
local file = getmetatable(io.stdout)
local methods = {}
for name, method in pairs(file) do
    if sub(name, 1, 2) ~= "__" then
        methods[name] = method
    end
end
file.__index, file.__metatable = methods, false
