-- returns: done
-- never: forged line
function attack()
    core.Info("x\nforged line\r\nforged line\0forged")
    core.log(core.info, "x\27[31m\nforged line")
    return "done"
end
