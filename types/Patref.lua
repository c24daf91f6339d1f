---@meta
-- Printed by `luaproxy types`: do not edit.

--- `core.get_patref()`: the entries of a map or ACL file. `patref[key]` gives the value of exactly this key, true in an ACL file, or nil; `pairs(patref)` goes through all. What fails gives nil and why.
---@class Patref
local Patref = {}

--- adds an entry
---@param key string
---@param value? string
---@return boolean?
---@return string?
function Patref:add(key, value) end

--- adds many at once: keys and values of a map, a list of keys of an ACL file
---@param entries table<any, string>
---@return boolean?
---@return string?
function Patref:add_bulk(entries) end

--- puts what was added since `prepare` in the place of all entries, at once
---@return boolean?
---@return string?
function Patref:commit() end

--- removes a key; says whether it was there
---@param key string
---@return boolean
function Patref:del(key) end

--- gives the file's name
---@return string
function Patref:get_name() end

--- forgets what was added since `prepare`
function Patref:giveup() end

--- says whether keys have values
---@return boolean
function Patref:is_map() end

--- keeps what is added from now on apart, until `commit`
---@return boolean
function Patref:prepare() end

--- removes all entries
---@return boolean?
---@return string?
function Patref:purge() end

--- sets the value of a key; adds one that is not there if forced
---@param key string
---@param value string
---@param force? boolean
---@return boolean?
---@return string?
function Patref:set(key, value, force) end
