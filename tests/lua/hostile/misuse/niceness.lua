-- ends
function attack()
    for _, nice in ipairs({ -1e300, 1e300, 0 / 0, -1024, 1024, "x", {} }) do pcall(core.set_nice, nice) end
    return "done"
end
