-- A proof of work: a browser pays for its first request with some processor time, which costs a
-- visitor a second and a flood its speed. No state is kept: the challenge proves itself.
--
--   challenge = TIME "." first half of HMAC-SHA-256(secret, TIME "." ADDRESS)
--   proof     = a number N so that SHA-1(challenge "." N) begins with enough zero bits
--   cookie    = challenge "." N

-- The secret of the challenges. Several proxies of one name need the same one.
local secret = os.getenv("POW_SECRET") or ""
if #secret < 16 then
    error("POW_SECRET must be set, to at least 16 bytes that nobody can guess")
end

-- Each bit doubles the work; 16 are some 65000 hashes.
local bits = tonumber(os.getenv("POW_BITS") or 16)

-- How long a proof is good, in seconds.
local lifetime = 3600

local function signature(txn, time)
    -- The key of `hmac` is base64.
    local key = txn.c:base64(secret)
    local mac = txn.c:hmac(time .. "." .. txn.sf:src(), "sha256", key)
    return txn.c:hex(mac):sub(1, 32)
end

-- Whether a binary string begins with so many zero bits.
local function begins_with_zeros(hash, count)
    for i = 1, #hash do
        local byte = hash:byte(i)
        if count <= 8 then
            return byte < 2 ^ (8 - count)
        elseif byte ~= 0 then
            return false
        end
        count = count - 8
    end
    return false
end

-- Whether the cookie is a proof for this client. It comes from the client: nothing is sure.
local function is_proven(txn)
    local cookie = txn.sf:req_cook("pow")
    local time, mac, nonce = cookie:match("^(%d+)%.(%x+)%.(%d+)$")
    if time == nil or #cookie > 100 then
        return false
    end
    local age = core.now().sec - tonumber(time)
    if age < 0 or age > lifetime or mac ~= signature(txn, time) then
        return false
    end
    return begins_with_zeros(txn.c:sha1(cookie), bits)
end

-- The page that a browser gets instead: it looks for the number and comes again.
local page = [[
<!doctype html>
<title>One moment</title>
<p>Your browser is doing a little work before it may come in.</p>
<script>
(async () => {
    const [challenge, bits] = ["%s", %d];
    for (let n = 0; ; n++) {
        const text = new TextEncoder().encode(challenge + "." + n);
        const hash = new DataView(await crypto.subtle.digest("SHA-1", text));
        if (Math.clz32(hash.getUint32(0)) >= bits) {
            document.cookie = `pow=${challenge}.${n}; path=/; max-age=3600; samesite=lax`;
            return location.reload();
        }
    }
})();
</script>
]]

core.register_action("proof_of_work", { "http-req" }, function(txn)
    if is_proven(txn) then
        return
    end
    local time = tostring(core.now().sec)
    local challenge = time .. "." .. signature(txn, time)
    local reply = txn:reply({ status = 429, body = page:format(challenge, bits) })
    reply:add_header("content-type", "text/html")
    reply:add_header("cache-control", "no-store")
    txn:done(reply)
end)
