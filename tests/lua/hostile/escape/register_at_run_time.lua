-- ends
function attack()
    for _, name in ipairs({ "register_action", "register_fetches", "register_converters", "register_service",
        "register_init", "register_task" }) do
        pcall(core[name], "late", { "http-req" }, attack)
        pcall(core[name], "late", attack)
        pcall(core[name], attack)
    end
    return "done"
end
