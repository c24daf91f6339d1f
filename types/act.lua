---@meta
-- Printed by `luaproxy types`: do not edit.

--- The global `act`: what an action returns.
---@class act
---@field ABORT integer the exchange ends without an answer
---@field CONTINUE integer the next rule is evaluated
---@field DENY integer the exchange is denied, as by `http-request deny`
---@field DONE integer the exchange is over; a reply that was made is the answer
---@field ERROR integer an internal error: status 500
---@field INVALID integer the message is invalid: status 400
---@field STOP integer no more rules of this set are evaluated
---@field YIELD integer the action is called again when data comes, or after `act.wake_time`
act = {}

--- sets when an action that returns `act.YIELD` is called again
---@param milliseconds integer
function act.wake_time(milliseconds) end
