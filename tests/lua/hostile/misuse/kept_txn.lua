-- ends
-- An exchange is over when it is over, whatever is kept of it.
function attack(txn)
    if kept then
        local left = {}
        for name, call in pairs({ f = function() return kept.f:path() end, c = function() return kept.c:lower("X") end,
            var = function() return kept:get_var("txn.result") end, set = function() return kept:set_var("txn.x", 1) end,
            http = function() return kept.http:req_get_headers() end, res = function() return kept.res:append("x") end,
            done = function() return kept:done() end, log = function() return kept:set_loglevel(1) end }) do
            if pcall(call) then left[#left + 1] = name end
        end
        table.sort(left)
        return table.concat(left, " ")
    end
    kept = txn
    return "first"
end
