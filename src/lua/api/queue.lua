-- core.queue and core.wait: who waits has seen so many turns of a signal, and goes on at the next.
local host = ...

local error, pairs, setmetatable, type = error, pairs, setmetatable, type
local running = coroutine.running
local new_signal, turn, wait, wake = host.new, host.turn, host.wait, host.wake

-- The signal of each coroutine that has set an alarm, and the turn it has seen.
local alarms = setmetatable({}, { __mode = "k" })
local queue_methods, queues = {}, setmetatable({}, { __mode = "k" })
local queue_mt

local function new_queue()
    local queue = setmetatable(new_signal(), queue_mt)
    queues[queue] = { first = 1, last = 0, alarms = setmetatable({}, { __mode = "k" }) }
    return queue
end

local function items(queue)
    return queues[queue] or error("bad argument #1 (Queue expected, got " .. type(queue) .. ")", 3)
end

function queue_methods:size()
    local list = items(self)
    return list.last - list.first + 1
end

function queue_methods:push(item)
    local list = items(self)
    if item == nil then
        error("push: the item must not be nil", 2)
    end
    list.last = list.last + 1
    list[list.last] = item
    wake(self)
    for alarm in pairs(list.alarms) do
        wake(alarm)
    end
    return true
end

function queue_methods:pop()
    local list = items(self)
    local first = list.first
    local item = list[first]
    if item ~= nil then
        list[first], list.first = nil, first + 1
    end
    return item
end

function queue_methods:pop_wait()
    local list = items(self)
    while true do
        local seen = turn(self)
        if list.first <= list.last then
            return queue_methods.pop(self)
        end
        wait(self, seen, nil, "pop_wait")
    end
end

local function own_alarm()
    local co = running()
    local alarm = alarms[co]
    if not alarm then
        alarm = new_signal()
        alarm.seen, alarms[co] = turn(alarm), alarm
    end
    return alarm
end

function queue_methods:alarm()
    items(self).alarms[own_alarm()] = true
    return true
end

local function wait_for(milliseconds)
    local alarm = own_alarm()
    wait(alarm, alarm.seen, milliseconds, "wait")
    alarm.seen = turn(alarm)
end

return {
    make = function(class)
        queue_mt = class("Queue", queue_methods)
        return { queue = new_queue, wait = wait_for }
    end,
}
