-- exit 1
-- says no script has registered the fetch 'lua.helo' did you mean 'hello' ?
-- says transaction: unknown field 'metod' did you mean 'method' ?
-- says call.lua:19: transaction: src 'nowhere' is no address
-- says transaction: 'G T' is no method
-- says transaction: invalid header 'a b'
-- says transaction: mode takes http or tcp, not 'udp'
-- says transaction: unknown frontend 'web': there is no configuration (--config)
-- says transaction: 'nothing' is no variable
-- says call.lua:15: bang
-- says bad argument #1 to 'server' ('x' is no address with a port)
-- says call.lua:27: 'it' takes a function behind its name, not nil
-- says transaction expected, got no value
core.register_fetches("hello", function(txn, arg) return "hello " .. txn.f:method() .. (arg or "") end)
core.register_fetches("bang", function() error("bang") end)
it("fetches", function() expect(transaction({ method = "PUT" }):fetch("lua.hello", "!")).to_be("hello PUT!") end)
it("1", function() transaction():fetch("helo") end)
it("2", function() transaction({ metod = "GET" }) end)
it("3", function() transaction({ src = "nowhere" }) end)
it("4", function() transaction({ method = "G T" }) end)
it("5", function() transaction({ headers = { ["a b"] = "1" } }) end)
it("6", function() transaction({ mode = "udp" }) end)
it("7", function() transaction({ frontend = "web" }) end)
it("8", function() transaction({ vars = { nothing = 1 } }) end)
it("9", function() transaction():fetch("bang") end)
it("10", function() fake_tcp("x", function() end) end)
it("11", function() it("inner") end)
it("12", function() transaction().fetch() end)
