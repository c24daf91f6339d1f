---@meta
-- Printed by `luaproxy types`: do not edit.

--- `txn.http`: start lines and headers. What changes a message raises an error once that message has gone out.
---@class HTTP
---@field req HTTPReq the request under the names of 2015
---@field res HTTPRes the response under the names of 2015
local HTTP = {}

--- answers 302 with this location and ends the exchange
---@param location string
function HTTP:redirect(location) end

--- adds a header to the request
---@param name string
---@param value string
function HTTP:req_add_header(name, value) end

--- removes all headers of a name from the request
---@param name string
function HTTP:req_del_header(name) end

--- gives the headers of the request by lower-case name, each list counted from 0
---@return table<string, table<integer, string>>
function HTTP:req_get_headers() end

--- replaces in whole header values of the request
---@param name string
---@param regex string
---@param replacement string
function HTTP:req_rep_header(name, regex, replacement) end

--- replaces in each value of a list in headers of the request
---@param name string
---@param regex string
---@param replacement string
function HTTP:req_rep_value(name, regex, replacement) end

--- sets a header of the request in place of all of its name
---@param name string
---@param value string
function HTTP:req_set_header(name, value) end

--- sets the method
---@param method string
---@return boolean
function HTTP:req_set_method(method) end

--- sets the path, keeping the query
---@param path string
---@return boolean
function HTTP:req_set_path(path) end

--- sets the query
---@param query string
---@return boolean
function HTTP:req_set_query(query) end

--- sets the whole URI
---@param uri string
---@return boolean
function HTTP:req_set_uri(uri) end

--- adds a header to the response
---@param name string
---@param value string
function HTTP:res_add_header(name, value) end

--- removes all headers of a name from the response
---@param name string
function HTTP:res_del_header(name) end

--- gives the headers of the response by lower-case name, each list counted from 0
---@return table<string, table<integer, string>>
function HTTP:res_get_headers() end

--- replaces in whole header values of the response
---@param name string
---@param regex string
---@param replacement string
function HTTP:res_rep_header(name, regex, replacement) end

--- replaces in each value of a list in headers of the response
---@param name string
---@param regex string
---@param replacement string
function HTTP:res_rep_value(name, regex, replacement) end

--- sets a header of the response in place of all of its name
---@param name string
---@param value string
function HTTP:res_set_header(name, value) end

--- sets the status of the response
---@param status integer
---@param reason? string
function HTTP:res_set_status(status, reason) end
