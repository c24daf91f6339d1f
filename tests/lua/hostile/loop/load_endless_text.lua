-- ends
function attack() return load(function() return " " end) end
