-- refused at load: loop
-- policy: lua-path lib/?.lua
require("ring")
