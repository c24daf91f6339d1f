---@meta
-- Printed by `luaproxy types`: do not edit.

--- `core.proxies`, `core.frontends`, `core.backends`, by name.
---@class Proxy
---@field name string the name
---@field servers table<string, Server> the servers by name
---@field uuid integer the number of the proxy
local Proxy = {}

--- gives `proxy`, `frontend`, `backend` or `ruleset`
---@return string
function Proxy:get_cap() end

--- gives `tcp` or `http`
---@return string
function Proxy:get_mode() end

--- gives the name
---@return string
function Proxy:get_name() end

--- gives how many servers are active
---@return integer
function Proxy:get_srv_act() end

--- gives how many backup servers are active
---@return integer
function Proxy:get_srv_bck() end

--- gives the counters under HAProxy's column names
---@return table<string, any>
function Proxy:get_stats() end

--- gives the number of the proxy
---@return integer
function Proxy:get_uuid() end
