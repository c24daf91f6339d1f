-- What every state runs before any script: how calls of the host wait, and coroutines that let
-- the host's yields pass. The host's tokens are seen by nothing outside this file.
local WAIT, PREEMPT, KILL, FAIL, forced, roomy, rearm = ...

local error, rawequal, select, setmetatable, type = error, rawequal, select, setmetatable, type
local create, resume, status = coroutine.create, coroutine.resume, coroutine.status
local yield, yieldable = coroutine.yield, coroutine.isyieldable

-- In the words of Lua 5.3.
local NO_YIELD = "attempt to yield across a C-call boundary"

-- Coroutines that a script may not resume: the host's own, and those waiting for the host.
local locked = setmetatable({}, { __mode = "k" })

-- Returns the results of an operation that the host was asked for.
local function settle(ok, ...)
    if ok then
        return ...
    end
    error((...), 2)
end

-- Turns what a host function returned into its results, an error, or a wait for the results.
local function pass(...)
    local first, message, level = ...
    if rawequal(first, WAIT) then
        if not yieldable() then
            error(NO_YIELD, 2)
        end
        return settle(yield(WAIT))
    elseif rawequal(first, FAIL) then
        error(message, level)
    end
    return ...
end

-- Makes a script's function of a host function.
local function wrap(f)
    return function(...)
        return pass(f(...))
    end
end

-- Makes functions of a host function that takes the number of one of many before the arguments:
-- a closure of this kind is less than half as large as a function of the host's own.
local function share(f)
    return function(number)
        return function(...)
            return pass(f(number, ...))
        end
    end
end

local relay

-- Goes on with a coroutine that the host's answer was for.
local function answer(co, ...)
    locked[co] = nil
    return relay(co, resume(co, ...))
end

-- Hands what a coroutine yielded for the host to the host; everything else to the script.
function relay(co, ok, first, ...)
    if not ok then
        return ok, first, ...
    elseif rawequal(first, WAIT) then
        if not yieldable() then
            return false, NO_YIELD
        end
        locked[co] = true
        return answer(co, yield(WAIT))
    elseif first == nil and select("#", ...) == 0 then
        local stop = forced()
        if stop == nil then
            return ok, first, ...
        elseif stop == KILL then
            if not yieldable() then
                rearm()
                error("execution timeout", 0)
            end
            yield(KILL)
        elseif yieldable() then
            locked[co] = true
            return answer(co, yield(PREEMPT))
        end
        return relay(co, resume(co))
    elseif rawequal(first, PREEMPT) or rawequal(first, KILL) then
        if yieldable() then
            locked[co] = true
            return answer(co, yield(first))
        elseif rawequal(first, KILL) then
            rearm()
            error("execution timeout", 0)
        end
        return relay(co, resume(co))
    end
    return ok, first, ...
end

-- Coroutines that a script has closed, and the messages of those that failed.
local closed, failed = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "kv" })

-- Remembers why a coroutine failed, for those who close it.
local function keep(co, ok, ...)
    if not ok and status(co) == "dead" then
        failed[co] = (...)
    end
    return ok, ...
end

local function go(co, ...)
    if closed[co] then
        return false, "cannot resume dead coroutine"
    elseif locked[co] then
        return false, "cannot resume non-suspended coroutine"
    elseif not roomy() then
        return false, "C stack overflow"
    end
    return keep(co, relay(co, resume(co, ...)))
end

local function unwrap(ok, ...)
    if ok then
        return ...
    end
    local message = ...
    error(message, type(message) == "string" and 2 or 0)
end

function coroutine.resume(co, ...)
    if type(co) ~= "thread" then
        return resume(co)
    end
    return go(co, ...)
end

function coroutine.wrap(f)
    local co = create(f)
    return function(...)
        return unwrap(go(co, ...))
    end
end

local function coroutine_status(co)
    if type(co) == "thread" and locked[co] and status(co) == "suspended" then
        return "normal"
    elseif type(co) == "thread" and closed[co] then
        return "dead"
    end
    return status(co)
end

coroutine.status = coroutine_status

-- It holds nothing that would have to be closed: never to go on is all.
function coroutine.close(co)
    if type(co) ~= "thread" then
        error("bad argument #1 to 'close' (thread expected, got " .. type(co) .. ")", 2)
    end
    local state = coroutine_status(co)
    if state ~= "suspended" and state ~= "dead" then
        error("cannot close a " .. state .. " coroutine", 2)
    end
    local why = failed[co]
    closed[co], failed[co] = true, nil
    if why ~= nil then
        return false, why
    end
    return true
end

-- Lua 5.3 has none of these; a finalizer of newproxy would run where nothing can stop it.
newproxy = nil

local function lock(co)
    locked[co] = true
end

return wrap, share, lock
