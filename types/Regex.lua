---@meta
-- Printed by `luaproxy types`: do not edit.

--- `Regex.new()`: a regular expression of PCRE2.
---@class Regex
Regex = {}

--- says whether it matches
---@param text string
---@return boolean
function Regex:exec(text) end

--- says whether it matches; gives the match and its groups, at most 20
---@param text string
---@return boolean
---@return string[]?
function Regex:match(text) end

--- compiles an expression; false and why where that fails
---@param regex string
---@param case_sensitive boolean
---@return boolean
---@return Regex|string
function Regex.new(regex, case_sensitive) end
