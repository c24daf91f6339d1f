-- killed: cpu-max
-- policy: connect-allow ${origin}
-- policy: connections-max 5
-- What a killed call has opened is closed: else its second call finds no socket left.
function attack()
    kept = {}
    for i = 1, 5 do kept[i] = core.tcp() assert(kept[i]:connect(ORIGIN_HOST, ORIGIN_PORT)) end
    kept = nil
    while true do end
end
