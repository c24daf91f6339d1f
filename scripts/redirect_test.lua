load_script("redirect.lua")

local function place(language)
    local headers = { ["accept-language"] = language }
    return transaction({ headers = headers }):fetch("place", "en", "/")
end

it("says hello", function()
    expect(transaction():fetch("hello")).to_be("hello")
end)

describe("place", function()
    it("is that of the client's language", function()
        expect(place("de-AT")).to_be("/de/")
    end)

    it("is the default for none, and for what is no language", function()
        expect(place(nil)).to_be("/en/")
        expect(place("../etc")).to_be("/en/")
    end)
end)
