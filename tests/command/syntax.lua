-- exit 2
-- says test: syntax.lua: error in Lua file 'syntax.lua': syntax.lua:5:
-- says 0 tests
it("is not closed", function(
