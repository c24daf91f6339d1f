-- killed: cpu-max
local other
function attack() return other() end
function other() return attack() end
