---@meta
-- Printed by `luaproxy types`: do not edit.

--- `core.event_sub`, `server:event_sub`, and the third argument of the function.
---@class EventSub
local EventSub = {}

--- ends the subscription
function EventSub:unsub() end
