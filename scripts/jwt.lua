-- Checks JSON Web Tokens (RFC 7519) that are signed with HMAC-SHA-256, and tells the server behind
-- who the token speaks of. The work is done by converters that every proxy of this kind has.

-- The key of those who make the tokens; `hmac` wants it in base64.
local key = os.getenv("JWT_KEY")
if key == nil or #key < 32 then
    error("JWT_KEY must be set, to at least 32 bytes in base64")
end
local issuer = os.getenv("JWT_ISSUER")

-- Compares without telling by the time how much was right.
local function is_same(a, b)
    local differences = #a == #b and 0 or 1
    for i = 1, #a do
        if a:byte(i) ~= b:byte(i) then
            differences = differences + 1
        end
    end
    return differences == 0
end

-- Returns the claims of a token as JSON; nil and what is wrong if it is not to be trusted.
local function verify(txn, token)
    local head, payload, signature = token:match("^([%w_-]+)%.([%w_-]+)%.([%w_-]+)$")
    if head == nil then
        return nil, "malformed"
    end
    -- The token must not choose how it is checked: "none" is an algorithm too.
    if txn.c:json_query(txn.c:ub64dec(head) or "", "$.alg") ~= "HS256" then
        return nil, "algorithm"
    end
    local mac = txn.c:hmac(head .. "." .. payload, "sha256", key)
    if mac == nil or not is_same(txn.c:ub64enc(mac), signature) then
        return nil, "signature"
    end

    -- Without "int", json_query rounds large numbers.
    local claims = txn.c:ub64dec(payload) or ""
    local now = core.now().sec
    local expires = tonumber(txn.c:json_query(claims, "$.exp", "int"))
    local starts = tonumber(txn.c:json_query(claims, "$.nbf", "int")) or 0
    if expires == nil or expires <= now or starts > now then
        return nil, "time"
    end
    if issuer and txn.c:json_query(claims, "$.iss") ~= issuer then
        return nil, "issuer"
    end
    return claims
end

core.register_action("jwt", { "http-req" }, function(txn)
    txn.http:req_del_header("x-jwt-subject")
    local token = txn.sf:req_fhdr("authorization"):match("^[Bb]earer +(%S+)$")
    local claims, wrong
    if token == nil then
        wrong = "missing"
    elseif #token > 8192 then
        wrong = "too long"
    else
        claims, wrong = verify(txn, token)
    end
    if claims == nil then
        local reply = txn:reply({ status = 401 })
        reply:add_header("www-authenticate", 'Bearer error="invalid_token", error_description="' .. wrong .. '"')
        txn:done(reply)
    end
    local subject = txn.c:json_query(claims, "$.sub")
    if type(subject) == "string" and subject:match("^[%w@._-]+$") then
        txn.http:req_set_header("x-jwt-subject", subject)
    end
    txn:set_var("txn.jwt_valid", true)
end)
