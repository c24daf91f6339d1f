-- error:
function attack(txn)
    local forged = setmetatable({ [0] = txn }, getmetatable(txn))
    local class = type(getmetatable(txn)) == "table" and getmetatable(txn).__index or txn
    return class.get_var(forged, "txn.x")
end
