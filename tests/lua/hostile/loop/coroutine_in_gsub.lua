-- killed: cpu-max
function attack()
    while true do
        pcall(string.gsub, "x", "x", function()
            coroutine.wrap(function() while true do pcall(function() while true do end end) end end)()
        end)
    end
end
