-- returns: nil
function attack()
    if not (os and os.getenv) then return "nil" end
    return tostring(os.getenv("PATH") or os.getenv("HOME") or os.getenv("s1"))
end
