---@meta
-- Printed by `luaproxy types`: do not edit.

--- `txn.http.req`: the request, in the spelling of 2015. The first argument may be `txn` too (`txn.http.req.set_header(txn, ..)`).
---@class HTTPReq
local HTTPReq = {}

--- `req_add_header`
---@param name string
---@param value string
function HTTPReq:add_header(name, value) end

--- `req_del_header`
---@param name string
function HTTPReq:del_header(name) end

--- `req_get_headers`
---@return table<string, table<integer, string>>
function HTTPReq:get_headers() end

--- `req_rep_header`
---@param name string
---@param regex string
---@param replacement string
function HTTPReq:rep_header(name, regex, replacement) end

--- `req_rep_value`
---@param name string
---@param regex string
---@param replacement string
function HTTPReq:rep_value(name, regex, replacement) end

--- `req_rep_header`
---@param name string
---@param regex string
---@param replacement string
function HTTPReq:replace_header(name, regex, replacement) end

--- `req_rep_value`
---@param name string
---@param regex string
---@param replacement string
function HTTPReq:replace_value(name, regex, replacement) end

--- `req_set_header`
---@param name string
---@param value string
function HTTPReq:set_header(name, value) end

--- `req_set_method`
---@param method string
---@return boolean
function HTTPReq:set_method(method) end

--- `req_set_path`
---@param path string
---@return boolean
function HTTPReq:set_path(path) end

--- `req_set_query`
---@param query string
---@return boolean
function HTTPReq:set_query(query) end

--- `req_set_uri`
---@param uri string
---@return boolean
function HTTPReq:set_uri(uri) end
