-- ends
function attack()
    local s = "x"
    while #s < 1e12 do if not pcall(function() s = s .. s end) then return "kept " .. #s end end
end
