-- refused at load: tasks-max
-- policy: tasks-max 4
for _ = 1, 1000 do core.register_task(function() core.sleep(1) end) end
