---@meta
-- Printed by `luaproxy types`: do not edit.

--- `core.httpclient()`: a client for any number of requests. Each method takes a table with `url`, and may find `headers`, `body` (a string, or a function that gives pieces), `dst`, `timeout`, `retries`, `ssl` (for `https`: `sni`, `verify`, `ca`), `sink` and `stream` there. It gives a table with `status`, `reason`, `headers` and `body`; where there is no response, `status` is 0, `error` says why and `phase` when: `connect`, `send`, `response` or `body`.
---@class HTTPClient
local HTTPClient = {}

--- sends a DELETE request
---@param options table<string, any>
---@return table<string, any>
function HTTPClient:delete(options) end

--- sends a GET request
---@param options table<string, any>
---@return table<string, any>
function HTTPClient:get(options) end

--- sends a HEAD request
---@param options table<string, any>
---@return table<string, any>
function HTTPClient:head(options) end

--- sends a POST request
---@param options table<string, any>
---@return table<string, any>
function HTTPClient:post(options) end

--- sends a PUT request
---@param options table<string, any>
---@return table<string, any>
function HTTPClient:put(options) end

--- sends a request of any method, `method` of the table; GET where there is none
---@param options table<string, any>
---@return table<string, any>
function HTTPClient:request(options) end
