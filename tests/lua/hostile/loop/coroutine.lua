-- killed: cpu-max | action fetch converter service
function attack() coroutine.wrap(function() while true do end end)() end
