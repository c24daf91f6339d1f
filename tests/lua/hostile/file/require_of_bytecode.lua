-- refused at load:
-- policy: lua-path lib/?.lua
require("bytecode")
