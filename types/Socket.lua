---@meta
-- Printed by `luaproxy types`: do not edit.

--- `core.tcp()`: a connection, with the contract of LuaSocket. What fails gives nil and why: `timeout`, `closed`, `connection refused`, `refused by policy` and so on.
---@class Socket
local Socket = {}

--- closes it
---@return integer
function Socket:close() end

--- connects to an address, or `unix@path`
---@param address string
---@param port? integer
---@return integer?
---@return string?
function Socket:connect(address, port) end

--- connects with TLS, and verifies that the server is the one that was meant; options: `sni`, `verify`, `ca`, `alpn`
---@param address string
---@param port? integer
---@param options? table
---@return integer?
---@return string?
function Socket:connect_ssl(address, port, options) end

--- gives the address, port and family of the other end
---@return string?
---@return integer|string|nil
---@return string?
function Socket:getpeername() end

--- gives the address, port and family of this end
---@return string?
---@return integer|string|nil
---@return string?
function Socket:getsockname() end

--- reads a line (`*l`, also by default), all (`*a`) or so many bytes; on failure nil, why and what has come
---@param pattern? string|integer
---@param prefix? string
---@return string?
---@return string?
---@return string?
function Socket:receive(pattern, prefix) end

--- sends; gives the index of the last byte sent
---@param data string
---@param first? integer
---@param last? integer
---@return integer?
---@return string?
---@return integer?
function Socket:send(data, first, last) end

--- sets `tcp-nodelay` or `keepalive`; ignores any other
---@param option string
---@param value? any
---@return integer
function Socket:setoption(option, value) end

--- sets how long each operation may take
---@param seconds? number
---@param mode? string
---@return integer
function Socket:settimeout(seconds, mode) end

--- ends one direction or both
---@param mode? "both"|"send"|"receive"
---@return boolean?
---@return string?
function Socket:shutdown(mode) end
