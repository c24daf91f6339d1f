---@meta
-- Printed by `luaproxy types`: do not edit.

--- `core.concat()`: a string that grows.
---@class Concat
local Concat = {}

--- adds text
---@param text string
function Concat:add(text) end

--- gives the whole
---@return string
function Concat:dump() end
