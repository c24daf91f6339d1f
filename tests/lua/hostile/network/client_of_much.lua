-- ends
-- policy: connect-allow ${origin}
-- policy: memory-max 8m
function attack()
    local client = core.httpclient()
    local url = "http://" .. ORIGIN_HOST .. ":" .. ORIGIN_PORT .. "/"
    return #client:post({ url = url, body = ("x"):rep(4000000), timeout = 1000 }).body
end
