-- ends
-- What is registered here is this tenant's, whatever it is called.
core.register_fetches("good:work", function() return "stolen" end)
core.register_action("work", { "http-req" }, function(txn) txn:set_var("txn.result", "stolen") end)
function attack() return "done" end
