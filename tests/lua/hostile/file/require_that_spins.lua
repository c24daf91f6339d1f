-- refused at load: execution timeout
-- policy: lua-path lib/?.lua
require("spin")
