-- killed: memory-max | task
-- policy: cpu-max 10s
core.register_task(function() local t = {} while true do t[#t + 1] = {} end end)
