---@meta
-- Printed by `luaproxy types`: do not edit.

--- `Map.new()`: a map file. Changes of the file's entries at run time are seen.
---@class Map
---@field _beg string matches the beginning of the text
---@field _dir string matches between slashes
---@field _dom string matches between dots
---@field _end string matches the end of the text
---@field _int string matches integers and ranges
---@field _ip string matches addresses and networks
---@field _reg string matches regular expressions
---@field _str string matches the whole text
---@field _sub string matches a part of the text
---@field beg string `Map._beg`, as HAProxy 1.6 has it
---@field dir string `Map._dir`, as HAProxy 1.6 has it
---@field dom string `Map._dom`, as HAProxy 1.6 has it
---@field ["end"] string `Map._end`, as HAProxy 1.6 has it
---@field int string `Map._int`, as HAProxy 1.6 has it
---@field ip string `Map._ip`, as HAProxy 1.6 has it
---@field reg string `Map._reg`, as HAProxy 1.6 has it
---@field str string `Map._str`, as HAProxy 1.6 has it
---@field sub string `Map._sub`, as HAProxy 1.6 has it
Map = {}

--- gives the value of what the key matches; nil where there is none
---@param key string
---@return string?
function Map:lookup(key) end

--- loads a map file; keys are matched as `Map._str` does unless the method says how
---@param file string
---@param method? string
---@return Map
function Map.new(file, method) end

--- as `lookup`; an empty string where there is none
---@param key string
---@return string
function Map:slookup(key) end
