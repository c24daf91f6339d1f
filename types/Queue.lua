---@meta
-- Printed by `luaproxy types`: do not edit.

--- `core.queue()`: what the calls of one state hand to each other, first in, first out.
---@class Queue
local Queue = {}

--- lets `core.wait` of this call end when something is pushed
---@return boolean
function Queue:alarm() end

--- takes what was pushed first; nil where there is nothing
---@return any
function Queue:pop() end

--- takes what was pushed first, when there is something
---@return any
function Queue:pop_wait() end

--- adds anything but nil
---@param item any
---@return boolean
function Queue:push(item) end

--- gives how many there are
---@return integer
function Queue:size() end
