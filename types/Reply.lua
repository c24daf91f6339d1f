---@meta
-- Printed by `luaproxy types`: do not edit.

--- `txn:reply()`: an answer that a script makes; `txn:done(reply)` sends it.
---@class Reply
---@field body string the body
---@field headers table<string, string|table<integer, string>> the headers, a value or a list for each name
---@field reason string the reason; empty is that of the status
---@field status integer the status
local Reply = {}

--- adds a header
---@param name string
---@param value string
---@return boolean
function Reply:add_header(name, value) end

--- removes all headers of a name
---@param name string
---@return boolean
function Reply:del_header(name) end

--- sets the body
---@param body string
---@return boolean
function Reply:set_body(body) end

--- sets the status, 100 to 599
---@param status integer
---@param reason? string
---@return boolean
function Reply:set_status(status, reason) end
