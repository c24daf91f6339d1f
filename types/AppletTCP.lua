---@meta
-- Printed by `luaproxy types`: do not edit.

--- What a service of the mode `tcp` gets: the client's connection.
---@class AppletTCP
---@field c Converters as `txn.c`
---@field f Fetches as `txn.f`
---@field sc Converters as `txn.sc`
---@field sf Fetches as `txn.sf`
local AppletTCP = {}

--- as `txn:get_priv`
---@return any
function AppletTCP:get_priv() end

--- as `txn:get_var`
---@param name string
---@return string|number|boolean|nil
function AppletTCP:get_var(name) end

--- reads a line, waiting for it; empty at the end
---@return string
function AppletTCP:getline() end

--- reads all there will be or so many bytes, for so many milliseconds at most
---@param size? integer
---@param timeout? integer
---@return string
function AppletTCP:receive(size, timeout) end

--- sends, waiting for room; -1 where the client has gone
---@param data string
---@return integer
function AppletTCP:send(data) end

--- as `txn:set_priv`
---@param value any
function AppletTCP:set_priv(value) end

--- as `txn:set_var`
---@param name string
---@param value any
---@param if_exist? boolean
---@return boolean
function AppletTCP:set_var(name, value, if_exist) end

--- gives what is there without waiting; nil at the end
---@return string?
function AppletTCP:try_receive() end

--- as `txn:unset_var`
---@param name string
---@return boolean
function AppletTCP:unset_var(name) end
