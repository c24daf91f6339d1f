---@meta
-- Printed by `luaproxy types`: do not edit.

--- `servers` of a `Proxy`, by name. Tenants read; what changes something is the operator's.
---@class Server
---@field name string the name
---@field puid integer the number of the server in its backend
local Server = {}

--- raises: servers are not checked
function Server:agent_disable() end

--- raises: servers are not checked
function Server:agent_enable() end

--- raises: servers are not checked
function Server:agent_force_down() end

--- raises: servers are not checked
function Server:agent_force_up() end

--- raises: servers are not checked
function Server:check_disable() end

--- raises: servers are not checked
function Server:check_enable() end

--- says that it is down: it gets nothing
function Server:check_force_down() end

--- as `set_drain`
function Server:check_force_nolb() end

--- says that it is up
function Server:check_force_up() end

--- has a function called when something happens to it, as `core.event_sub`
---@param names string[]
---@param run fun(event: string, data: table<string, any>, sub: EventSub, when: number)
---@return EventSub
function Server:event_sub(names, run) end

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

--- gives how many wait for it alone
---@return integer
function Server:get_pend_conn() end

--- gives the proxy
---@return Proxy
function Server:get_proxy() end

--- gives the number of the server in its backend
---@return integer
function Server:get_puid() end

--- gives 0: its name was given once
---@return integer
function Server:get_rid() end

--- gives the line of `show stat` under HAProxy's column names
---@return table<string, any>
function Server:get_stats() end

--- gives nobody: `track` is not supported
---@return table<string, Server>
function Server:get_trackers() end

--- gives the weight
---@return integer
function Server:get_weight() end

--- says whether it is a backup
---@return boolean
function Server:is_backup() end

--- says whether it gets nothing new but what must go there
---@return boolean
function Server:is_draining() end

--- gives false: servers are those of the configuration
---@return boolean
function Server:is_dynamic() end

--- moves it to another IP address; says what has changed
---@param address string
---@param port? string|integer
---@return string
function Server:set_addr(address, port) end

--- lets it have nothing new but what must go there
function Server:set_drain() end

--- lets it have nothing
function Server:set_maint() end

--- sets the most connections, 0 for no limit; says what is wrong
---@param limit string|integer
---@return string?
function Server:set_maxconn(limit) end

--- lets it serve
function Server:set_ready() end

--- sets the weight, 0 to 256, or of the configured one 0% to 100%; says what is wrong
---@param weight string|integer
---@return string?
function Server:set_weight(weight) end

--- raises: sessions cannot be ended from outside
function Server:shut_sess() end

--- gives nil: `track` is not supported
---@return nil
function Server:tracking() end
