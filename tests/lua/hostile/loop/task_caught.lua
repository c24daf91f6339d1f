-- killed: cpu-max | task
core.register_task(function() while true do pcall(function() while true do end end) end end)
