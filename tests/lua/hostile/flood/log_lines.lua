-- killed: cpu-max
function attack() while true do core.Info("a line of the flood") end end
