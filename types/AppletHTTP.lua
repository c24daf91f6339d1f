---@meta
-- Printed by `luaproxy types`: do not edit.

--- What a service of the mode `http` gets: a request, and how to answer it.
---@class AppletHTTP
---@field c Converters as `txn.c`
---@field f Fetches as `txn.f`
---@field headers table<string, table<integer, string>> the headers of the request by lower-case name, each list counted from 0
---@field length integer? the length of the body, where the request says it
---@field method string the method
---@field path string the path
---@field qs string the query
---@field sc Converters as `txn.sc`
---@field sf Fetches as `txn.sf`
---@field version string the version, such as `HTTP/1.1`
local AppletHTTP = {}

--- adds a header to the response
---@param name string
---@param value string
function AppletHTTP:add_header(name, value) end

--- as `txn:get_priv`
---@return any
function AppletHTTP:get_priv() end

--- as `txn:get_var`
---@param name string
---@return string|number|boolean|nil
function AppletHTTP:get_var(name) end

--- reads a line of the body, waiting for it; empty at the end
---@return string
function AppletHTTP:getline() end

--- reads the body: all of it or so many bytes, for so many milliseconds at most
---@param size? integer
---@param timeout? integer
---@return string
function AppletHTTP:receive(size, timeout) end

--- sends a part of the body, waiting for room; -1 where the client has gone
---@param data string
---@return integer
function AppletHTTP:send(data) end

--- as `txn:set_priv`
---@param value any
function AppletHTTP:set_priv(value) end

--- sets the status of the response
---@param status integer
---@param reason? string
---@return boolean
function AppletHTTP:set_status(status, reason) end

--- as `txn:set_var`
---@param name string
---@param value any
---@param if_exist? boolean
---@return boolean
function AppletHTTP:set_var(name, value, if_exist) end

--- sends the head of the response
function AppletHTTP:start_response() end

--- as `txn:unset_var`
---@param name string
---@return boolean
function AppletHTTP:unset_var(name) end
