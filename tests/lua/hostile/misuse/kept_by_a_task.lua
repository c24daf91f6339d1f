-- ends | task action
local box = {}
core.register_task(function()
    while true do
        if box.txn then pcall(function() box.txn:set_var("txn.result", "from a task") end) end
        core.msleep(1)
    end
end)
function attack(txn) box.txn = txn return "kept" end
