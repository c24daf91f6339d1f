-- returns: nil
function attack() return tostring(io and io.open) end
