---@meta
-- Printed by `luaproxy types`: do not edit.

--- `txn.http.res`: the response, in the spelling of 2015.
---@class HTTPRes
local HTTPRes = {}

--- `res_add_header`
---@param name string
---@param value string
function HTTPRes:add_header(name, value) end

--- `res_del_header`
---@param name string
function HTTPRes:del_header(name) end

--- `res_get_headers`
---@return table<string, table<integer, string>>
function HTTPRes:get_headers() end

--- `res_rep_header`
---@param name string
---@param regex string
---@param replacement string
function HTTPRes:rep_header(name, regex, replacement) end

--- `res_rep_value`
---@param name string
---@param regex string
---@param replacement string
function HTTPRes:rep_value(name, regex, replacement) end

--- `res_rep_header`
---@param name string
---@param regex string
---@param replacement string
function HTTPRes:replace_header(name, regex, replacement) end

--- `res_rep_value`
---@param name string
---@param regex string
---@param replacement string
function HTTPRes:replace_value(name, regex, replacement) end

--- `res_set_header`
---@param name string
---@param value string
function HTTPRes:set_header(name, value) end

--- `res_set_status`
---@param status integer
---@param reason? string
function HTTPRes:set_status(status, reason) end
