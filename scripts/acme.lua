-- Answers the HTTP-01 challenges of ACME (RFC 8555 8.3), so that an ACME client needs no web server
-- of its own. The answer follows from the token and the account's key alone: nothing is kept, and
-- every proxy behind the name can give it.

-- `acme.sh --register-account` prints the thumbprint of the account's key.
local thumbprint = os.getenv("ACME_THUMBPRINT")

local prefix = "/.well-known/acme-challenge/"

local function answer(applet, status, body)
    applet:set_status(status)
    applet:add_header("content-type", "text/plain")
    applet:add_header("content-length", tostring(#body))
    applet:start_response()
    applet:send(body)
end

core.register_service("acme", "http", function(applet)
    -- A token is base64url. Everything else is somebody who tries what is sent back.
    local token = applet.path:sub(1, #prefix) == prefix and applet.path:sub(#prefix + 1) or ""
    if #token > 128 or not token:match("^[%w_%-]+$") then
        return answer(applet, 404, "not a token\n")
    end
    if thumbprint == nil then
        return answer(applet, 503, "ACME_THUMBPRINT is not set\n")
    end
    answer(applet, 200, token .. "." .. thumbprint)
end)
