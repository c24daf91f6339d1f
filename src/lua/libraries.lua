-- Functions of LuaJIT's libraries with which a script could hold its worker or overrun its stack.
-- What calls the script back does so from Lua here: it can be preempted, and may wait.
local dying, load_max, is_costly, collect = ...

local error, find, getmetatable, pcall, rawequal = error, string.find, getmetatable, pcall, rawequal
local rawget, rawlen, rawset, select, setmetatable = rawget, rawlen, rawset, select, setmetatable
local sub, tonumber, tostring, type = string.sub, tonumber, tostring, type
local min, plain_concat, running = math.min, table.concat, coroutine.running
local plain_collect, plain_insert, plain_load = collectgarbage, table.insert, load
local plain_loadfile, plain_sort, plain_xpcall = loadfile, table.sort, xpcall
local plain_traceback = debug.traceback
-- Sees through `__metatable`, where there is such a thing.
local metatable = debug.getmetatable or getmetatable

-- How many elements LuaJIT may handle in one call.
local MANY = 50000

-- How many elements it may join: the text of a small number takes half a microsecond.
local PIECE = 2000

local function is_text(value)
    return type(value) == "string" or type(value) == "number"
end

function table.concat(list, separator, first, last)
    local from, to = first or 1, last or type(list) == "table" and rawlen(list)
    local are_numbers = type(from) == "number" and type(to) == "number"
    if type(list) ~= "table" or not (are_numbers and to - from >= PIECE) then
        return plain_concat(list, separator, first, last)
    elseif separator ~= nil and not is_text(separator) then
        return plain_concat({}, separator)
    end
    local parts, size = {}, 0
    for at = from, to, PIECE do
        local stop = min(at + PIECE - 1, to)
        for index = at, stop do
            local value = rawget(list, index)
            if not is_text(value) then
                local kind = type(value)
                error("invalid value (" .. kind .. ") at index " .. index .. " in table for 'concat'", 2)
            end
        end
        size = size + 1
        parts[size] = plain_concat(list, separator, at, stop)
    end
    return plain_concat(parts, separator)
end
local concat = table.concat

local function orders(value)
    local mt = metatable(value)
    return type(mt) == "table" and rawget(mt, "__lt") ~= nil
end

-- `<`, whose errors are of no line here.
local function less_than(a, b)
    local kind, other = type(a), type(b)
    if kind == other and (kind == "number" or kind == "string") or orders(a) or orders(b) then
        return a < b
    elseif kind == other then
        error("attempt to compare two " .. kind .. " values", 0)
    end
    error("attempt to compare " .. kind .. " with " .. other, 0)
end

local function less_plainly(a, b)
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
    if type(list) ~= "table" or less ~= nil and type(less) ~= "function" then
        return plain_sort(list, less)
    end
    local from, to, width, length = {}, {}, 1, rawlen(list)
    for index = 1, length do
        from[index] = rawget(list, index)
    end
    less = less or is_simple(from, length) and less_plainly or less_than
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
        rawset(list, index, from[index])
    end
end

-- LuaJIT moves all between a position far away and the end of the list.
function table.insert(list, ...)
    if select("#", ...) ~= 2 or type(list) ~= "table" then
        return plain_insert(list, ...)
    end
    -- LuaJIT takes a string that reads as a number for one.
    local position, value = tonumber((...)), select(2, ...)
    local length = rawlen(list)
    -- Beyond the end it leaves holes, as LuaJIT's does: scripts rely on it. What is no integer of 32
    -- bits is one to LuaJIT all the same, and below zero it moves elements for minutes.
    if position and not (position >= 1 and position < 2 ^ 31) then
        error("bad argument #2 to 'insert' (position out of bounds)", 2)
    elseif not position or length - position < MANY then
        return plain_insert(list, ...)
    end
    position = position - position % 1
    for index = length, position, -1 do
        rawset(list, index + 1, rawget(list, index))
    end
    rawset(list, position, value)
end

-- The handler runs when the stack is unwound: LuaJIT calls it from C, and without a hook for an
-- error of the hook itself. Of the stack that is gone a handler wants the traceback.
local weak = { __mode = "k" }
local noted, shown = setmetatable({}, weak), setmetatable({}, weak)

local function note(message)
    noted[running()] = plain_traceback("", 2)
    return message
end

local function settle(co, outer, ok, ...)
    shown[co] = outer
    if ok then
        return false, (...)
    end
    return false, "error in error handling"
end

local function handle(handler, ok, ...)
    if ok or dying() then
        return ok, ...
    end
    local co = running()
    local outer = shown[co]
    shown[co], noted[co] = noted[co], nil
    return settle(co, outer, pcall(handler, (...)))
end

function xpcall(f, handler, ...)
    if handler == nil or rawequal(handler, plain_traceback) then
        return plain_xpcall(f, handler, ...)
    end
    return handle(handler, plain_xpcall(f, note, ...))
end

function debug.traceback(...)
    local message = ...
    local trace = shown[running()]
    if trace and (message == nil or type(message) == "string" or type(message) == "number") then
        return (message or "") .. sub(trace, message == nil and 2 or 1)
    end
    return plain_traceback(...)
end

-- Text only: bytecode can do anything.
local function text_mode(mode)
    return mode == nil or type(mode) == "string" and find(mode, "t", 1, true) ~= nil
end

local WRONG_MODE = "attempt to load chunk with wrong mode"
local TOO_LARGE = "chunk is too large to be compiled now"

local function is_too_large(text)
    return type(text) == "string" and (#text > load_max() or is_costly(text))
end

-- Readers are read to their end first: LuaJIT runs no hook any more after one that was stopped.
local function read_all(reader)
    local parts, size, length, most = {}, 0, 0, load_max()
    while true do
        local part = reader()
        if part == nil or part == "" then
            return concat(parts)
        elseif type(part) ~= "string" then
            error("reader function must return a string", 0)
        end
        length = length + #part
        if length > most then
            error(TOO_LARGE, 0)
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
    if is_too_large(chunk) then
        return nil, TOO_LARGE
    end
    return plain_load(chunk, name, "t", ...)
end

-- LuaJIT's takes functions too.
local checked_load = load

function loadstring(text, name)
    return checked_load(text, name)
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

-- In steps, between which others run.
function collectgarbage(what, argument)
    if what == "step" then
        return collect()
    elseif what ~= nil and what ~= "collect" then
        return plain_collect(what, argument)
    end
    -- The cycle that has begun, and a whole one.
    for _ = 1, 2 do
        repeat until collect()
    end
    return 0
end

if package then
    local loaded, package, LOADING = package.loaded, package, {}

    -- Returns what makes a module of the name.
    local function find_module(name)
        local tried = {}
        for index = 1, rawlen(package.loaders) do
            local found = package.loaders[index](name)
            if type(found) == "function" then
                return found
            elseif type(found) == "string" then
                tried[#tried + 1] = found
            end
        end
        error("module '" .. name .. "' not found:" .. concat(tried), 3)
    end

    -- LuaJIT's runs the module below C.
    function require(name)
        if type(name) ~= "string" then
            error("bad argument #1 to 'require' (string expected, got " .. type(name) .. ")", 2)
        end
        if rawequal(loaded[name], LOADING) then
            error("loop or previous error loading module '" .. name .. "'", 2)
        elseif not loaded[name] then
            local make = find_module(name)
            loaded[name] = LOADING
            local result = make(name)
            if result ~= nil then
                loaded[name] = result
            elseif rawequal(loaded[name], LOADING) then
                loaded[name] = true
            end
        end
        return loaded[name]
    end
end

-- LuaJIT's asks for the texts from below C.
if io then
    local stdout, write = io.stdout, io.stdout.write
    function print(...)
        local parts = { ... }
        for index = 1, select("#", ...) do
            local text = tostring(parts[index])
            if type(text) ~= "string" then
                error("'tostring' must return a string to 'print'", 2)
            end
            parts[index] = text
        end
        write(stdout, concat(parts, "\t"), "\n")
    end
end

-- What these call runs where no hook does.
if jit then
    jit.attach = nil
end
if package then
    package.preload["jit.profile"], package.loaded["jit.profile"] = nil, nil
end

-- Nor do finalizers: files keep theirs.
if io then
    local file = getmetatable(io.stdout)
    local methods = {}
    for name, method in pairs(file) do
        if sub(name, 1, 2) ~= "__" then
            methods[name] = method
        end
    end
    file.__index, file.__metatable = methods, false
end
