---@meta
-- Printed by `luaproxy types`: do not edit.

--- What an action or a sample fetch gets first: the exchange it runs for. Each sample fetch of the configuration is a method of it too (`txn:path()`), as in 2015.
---@class TXN
---@field c Converters HAProxy's converters as methods; nil where one gives nothing
---@field f Fetches HAProxy's sample fetches as methods; nil where one gives nothing
---@field http HTTP the messages' heads; nil in `mode tcp`
---@field req Channel the bytes from the client to the server
---@field res Channel the bytes from the server to the client
---@field sc Converters HAProxy's converters as methods; an empty string where one gives nothing
---@field sf Fetches HAProxy's sample fetches as methods; an empty string where one gives nothing
local TXN = {}

--- logs a message of the exchange at the level `alert`
---@param message string
function TXN:Alert(message) end

--- logs a message of the exchange at the level `debug`
---@param message string
function TXN:Debug(message) end

--- logs a message of the exchange at the level `info`
---@param message string
function TXN:Info(message) end

--- logs a message of the exchange at the level `warning`
---@param message string
function TXN:Warning(message) end

--- ends the exchange at once; what has not gone out is dropped
function TXN:close() end

--- logs a message of the exchange at the level `info`
---@param message string
function TXN:deflog(message) end

--- ends the call and the exchange, with a reply where one is given; a fetch is ended alone
---@param reply? Reply|table
function TXN:done(reply) end

--- the name of `done` of 2015
---@param reply? Reply|table
function TXN:finish(reply) end

--- gives the headers of the message, the last value of each name
---@return table<string, string>
function TXN:get_headers() end

--- gives what `set_priv` has kept
---@return any
function TXN:get_priv() end

--- gives `txn.req`
---@return Channel
function TXN:get_req_buf() end

--- gives `txn.res`
---@return Channel
function TXN:get_res_buf() end

--- gives a variable, such as `txn.name`
---@param name string
---@return string|number|boolean|nil
function TXN:get_var(name) end

--- logs a message of the exchange at a level
---@param level integer
---@param message string
function TXN:log(level, message) end

--- makes an answer for `txn:done`
---@param fields? {status?: integer, reason?: string, headers?: table, body?: string}
---@return Reply
function TXN:reply(fields) end

--- gives `txn.req`
---@return Channel
function TXN:req_channel() end

--- gives `txn.res`
---@return Channel
function TXN:res_channel() end

--- sets the level the exchange is logged at: 0 to 7, -1 is not at all
---@param level integer
function TXN:set_loglevel(level) end

--- keeps a value with the exchange, for the scripts of this state
---@param value any
function TXN:set_priv(value) end

--- sets a variable; a table, a function or nil is false; with `if_exist`, one of `proc.` only if there is one
---@param name string
---@param value any
---@param if_exist? boolean
---@return boolean
function TXN:set_var(name, value, if_exist) end

--- removes a variable
---@param name string
---@return boolean
function TXN:unset_var(name) end
