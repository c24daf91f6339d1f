-- exit 0
-- args --filter=two --verbose
-- says ok   filtered.lua:7: group: two
-- says 1 tests: 1 passed, 0 failed, 0 skipped
describe("group", function()
    it("one", function() expect(1).to_be(2) end)
    it("two", function() end)
end)
