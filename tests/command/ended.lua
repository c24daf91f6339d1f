-- exit 1
-- args --timeout 0.2
-- says after 2 .. ms of CPU (--timeout 200ms)
-- says the test waits for what never comes
-- says the test has ended itself (core.done)
-- says 4 tests: 1 passed, 3 failed
core.register_service("echo", "tcp", function(applet) applet:send(applet:getline()) end)
it("computes for ever", function() while true do end end)
it("waits for ever", function() transaction({ mode = "tcp", open = true }):serve("echo") end)
it("ends itself", function() core.done() end)
it("goes on with the others", function()
    expect(transaction({ mode = "tcp", data = "x\n" }):serve("echo")).to_be("x\n")
end)
