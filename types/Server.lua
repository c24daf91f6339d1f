---@meta
-- Printed by `luaproxy types`: do not edit.

--- `servers` of a `Proxy`, by name.
---@class Server
---@field name string the name
---@field puid integer the number of the server in its backend
local Server = {}

--- gives the address and port
---@return string
function Server:get_addr() end

--- gives how many sessions it has now
---@return integer
function Server:get_cur_sess() end

--- gives the most connections; 0 is no limit
---@return integer
function Server:get_maxconn() end

--- gives the name
---@return string
function Server:get_name() end

--- gives the number of the server in its backend
---@return integer
function Server:get_puid() end

--- gives the counters under HAProxy's column names
---@return table<string, any>
function Server:get_stats() end

--- gives the weight
---@return integer
function Server:get_weight() end

--- says whether it is a backup
---@return boolean
function Server:is_backup() end
