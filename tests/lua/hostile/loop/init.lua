-- refused at load: tune.lua.load-timeout
core.register_init(function() while true do end end)
