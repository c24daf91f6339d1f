-- returns: refused by policy refused by policy refused by policy refused by policy
-- policy: connect-allow ${origin}
function attack()
    local client, granted = core.httpclient(), "http://" .. ORIGIN_HOST .. ":" .. ORIGIN_PORT .. "/"
    local seen = {}
    for i, options in ipairs({
        { url = "http://127.0.0.1:1/" },
        { url = granted, dst = "127.0.0.1:1" },
        { url = granted, dst = "unix@/run/docker.sock" },
        { url = "http://127.0.0.1:" .. PORT .. "/" },
    }) do
        seen[i] = client:get(options).error
    end
    return table.concat(seen, " ")
end
