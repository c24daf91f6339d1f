-- `socket.headers`: how names of headers are spelled.
local canonic = {}
for name in ([[
Accept Accept-Charset Accept-Encoding Accept-Language Accept-Ranges Age Allow Authorization
Cache-Control Connection Content-Disposition Content-Encoding Content-ID Content-Language
Content-Length Content-Location Content-MD5 Content-Range Content-Type Cookie Date ETag Expect
Expires From Host If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since
Last-Modified Location Max-Forwards MIME-Version Origin Pragma Proxy-Authenticate
Proxy-Authorization Range Referer Retry-After Server Set-Cookie TE Trailer Transfer-Encoding
Upgrade User-Agent Vary Via Warning WWW-Authenticate X-Forwarded-For
]]):gmatch("%S+") do
    canonic[name:lower()] = name
end
return { canonic = canonic }
