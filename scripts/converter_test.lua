load_script("converter.lua")

describe("slug", function()
    it("keeps letters and digits alone", function()
        expect(convert("slug", "/A Page!")).to_be("a-page")
        expect(convert("slug", "")).to_be("")
    end)
end)

describe("hash", function()
    it("is FNV-1a", function()
        expect(convert("hash", "")).to_be("811c9dc5")
        expect(convert("hash", "a")).to_be("e40c292c")
    end)

    it("has as many digits as are asked for", function()
        expect(convert("hash", "a", "4")).to_be("292c")
    end)
end)
