-- killed: cpu-max
function attack() return (string.gsub("x", "x", function() while true do end end)) end
