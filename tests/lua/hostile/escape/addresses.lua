-- returns: none
function attack(txn)
    local texts = { tostring({}), tostring(print), tostring(attack), tostring(coroutine.create(print)),
        tostring(txn), tostring(core.tcp()), ("%s"):format({}), select(2, pcall(error, tostring({}))),
        select(2, pcall(("%p").format, "%p", {})), tostring(rawget(txn, 0)) }
    for _, text in ipairs(texts) do
        -- An address of a 64-bit process has at least ten digits that count.
        if type(text) == "string" and text:match("0x0*([1-9a-f]%x+)") and #text:match("0x0*([1-9a-f]%x+)") > 6 then
            return text
        end
    end
    return "none"
end
