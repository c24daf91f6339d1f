-- returns: in lib
-- policy: lua-path lib/?.lua
local inner = require("inner")
function attack() return inner.name end
