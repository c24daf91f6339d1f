---@meta
-- Printed by `luaproxy types`: do not edit.

--- `core.proxies`, `core.frontends`, `core.backends`, by name. Tenants read; what changes something is the operator's. There is no `stktable`: stick tables are not supported.
---@class Proxy
---@field listeners table<string, Listener> the listeners by name; `sock-1` and so on where they have none
---@field name string the name
---@field servers table<string, Server> the servers by name
---@field uuid integer the number of the proxy
local Proxy = {}

--- gives `proxy`, `frontend`, `backend` or `ruleset`
---@return string
function Proxy:get_cap() end

--- gives nil: there are no mailers
---@return nil
function Proxy:get_mailers() end

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

--- gives the line of `show stat` under HAProxy's column names
---@return table<string, any>
function Proxy:get_stats() end

--- gives the number of the proxy
---@return integer
function Proxy:get_uuid() end

--- lets the frontend accept nothing until `resume`; who connects waits
function Proxy:pause() end

--- lets the frontend accept again
function Proxy:resume() end

--- raises: sessions cannot be ended from outside
function Proxy:shut_bcksess() end

--- closes the frontend's sockets for good
function Proxy:stop() end
