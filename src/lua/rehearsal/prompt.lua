-- Runs one text of a prompt: its values behind a `+`, its error behind a `-`, or false where the
-- text goes on.
local show = ...
local concat, loadstring, pcall, select = table.concat, loadstring, pcall, select

txn = transaction()

local function answer(ok, ...)
    if not ok then
        local why = ...
        return "-" .. (type(why) == "string" and why or show(why))
    end
    local parts = {}
    for index = 1, select("#", ...) do
        parts[index] = show((select(index, ...)))
    end
    return "+" .. concat(parts, "\t")
end

return function(text)
    local chunk, why = loadstring("return " .. text, "=repl")
    if not chunk then
        chunk, why = loadstring(text, "=repl")
    end
    if chunk then
        return answer(pcall(chunk))
    end
    return why:find("<eof>", 1, true) == nil and "-" .. why
end
