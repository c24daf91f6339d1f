-- killed: cpu-max
function attack() return (("a"):rep(64):find((".-"):rep(20) .. "b")) end
