-- ends | fetch
function attack() core.register_task(function() end) return "x" end
