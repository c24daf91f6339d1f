---@meta
-- Printed by `luaproxy types`: do not edit.

--- `txn.req` and `txn.res`: the bytes of one direction. In `mode http` what touches the bytes raises `Cannot manipulate HAProxy channels in HTTP mode.`
---@class Channel
local Channel = {}

--- puts text behind the input; -1 where it does not fit
---@param text string
---@return integer
function Channel:append(text) end

--- gives input without taking or waiting; nil at the end
---@param offset? integer
---@param length? integer
---@return string?
function Channel:data(offset, length) end

--- gives all input there is, waiting for some where that is allowed, and leaves it
---@return string?
function Channel:dup() end

--- passes so many bytes on, waiting for them where that is allowed
---@param length integer
---@return integer
function Channel:forward(length) end

--- takes all input there is, waiting for some where that is allowed
---@return string?
function Channel:get() end

--- the name of `input` of HAProxy 1.6
---@return integer
function Channel:get_in_len() end

--- the name of `input` of 2015
---@return integer
function Channel:get_in_length() end

--- the name of `getline` of 2015
---@return string?
function Channel:get_line() end

--- the name of `output` of HAProxy 1.6
---@return integer
function Channel:get_out_len() end

--- the name of `output` of 2015
---@return integer
function Channel:get_out_length() end

--- takes a line with its end, waiting for it where that is allowed
---@return string?
function Channel:getline() end

--- gives how many bytes of input there are
---@return integer
function Channel:input() end

--- puts text into the input; -1 where it does not fit
---@param text string
---@param offset? integer
---@return integer
function Channel:insert(text, offset) end

--- says whether nothing more fits
---@return boolean
function Channel:is_full() end

--- says whether it is that of the response
---@return boolean
function Channel:is_resp() end

--- gives a line of the input without taking or waiting; nil at the end
---@param offset? integer
---@param length? integer
---@return string?
function Channel:line(offset, length) end

--- says whether more input may come
---@return boolean
function Channel:may_recv() end

--- gives how many bytes are on their way out
---@return integer
function Channel:output() end

--- puts text before the input; -1 where it does not fit
---@param text string
---@return integer
function Channel:prepend(text) end

--- removes input
---@param offset? integer
---@param length? integer
---@return integer
function Channel:remove(offset, length) end

--- sends text before the input, waiting for room where that is allowed; -1 where it cannot go out
---@param text string
---@return integer
function Channel:send(text) end

--- replaces input; -1 where it does not fit
---@param text string
---@param offset? integer
---@param length? integer
---@return integer
function Channel:set(text, offset, length) end
