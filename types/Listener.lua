---@meta
-- Printed by `luaproxy types`: do not edit.

--- `listeners` of a `Proxy`, by name.
---@class Listener
---@field name string the name
local Listener = {}

--- gives its line under HAProxy's column names
---@return table<string, any>
function Listener:get_stats() end
