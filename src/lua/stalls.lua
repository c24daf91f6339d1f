-- Ordinary calls of the string library; returns what each takes, in nanoseconds.
local cpu = ...
local rows = {}
local k1 = ("lorem ipsum dolor sit amet "):rep(38) .. "needle"
local function run(f, n) collectgarbage() local a = cpu() for i = 1, n do f() end return (cpu() - a) / n * 1e9 end
local function best(f, n) local b = 1e18 for i = 1, 5 do b = math.min(b, run(f, n)) end return b end
local function row(name, n, make)
    rows[#rows + 1] = { name, best(make(string), n) }
end
row("match('max-age=600', '^(%w+)=(.*)$')", 200000, function(s) local f = s.match return function() return f("max=600", "^(%w+)=(.*)$") end end)
row("match('text/html; charset=utf-8', 'charset=([%w-]+)')", 200000, function(s) local f = s.match return function() return f("text/html; charset=utf-8", "charset=([%w-]+)") end end)
row("match('Bearer abc.def.ghi', '^Bearer%s+(.+)$')", 200000, function(s) local f = s.match return function() return f("Bearer abc.def.ghi", "^Bearer%s+(.+)$") end end)
row("match('/api/v1/users/42', '^/api/v(%d+)/')", 200000, function(s) local f = s.match return function() return f("/api/v1/users/42", "^/api/v(%d+)/") end end)
row("find('/api/v1/users/42', '/users/%d+')", 200000, function(s) local f = s.find return function() return f("/api/v1/users/42", "/users/%d+") end end)
row("find('example.com', 'com')", 200000, function(s) local f = s.find return function() return f("example.com", "com") end end)
row("find('example.com', '.', 1, true)", 200000, function(s) local f = s.find return function() return f("example.com", ".", 1, true) end end)
row("find of a word in 1 KiB", 50000, function(s) local f = s.find return function() return f(k1, "needle") end end)
row("find of a word in 1 KiB, plain", 50000, function(s) local f = s.find return function() return f(k1, "needle", 1, true) end end)
row("find of '(needle)' in 1 KiB", 20000, function(s) local f = s.find return function() return f(k1, "(needle)") end end)
row("find of '%d+' in 1 KiB", 20000, function(s) local f = s.find return function() return f(k1, "%d+") end end)
row("find of '[0-9]+' in 1 KiB", 20000, function(s) local f = s.find return function() return f(k1, "[0-9]+") end end)
row("match of '^(.*)needle$' in 1 KiB", 20000, function(s) local f = s.match return function() return f(k1, "^(.*)needle$") end end)
row("match of '^[%w ]*$' in 1 KiB", 20000, function(s) local f = s.match return function() return f(k1, "^[%w ]*$") end end)
row("gsub('  a b  c ', '%s+', '')", 100000, function(s) local f = s.gsub return function() return f("  a b  c ", "%s+", "") end end)
row("gsub(1 KiB, '%s+', '')", 5000, function(s) local f = s.gsub return function() return f(k1, "%s+", "") end end)
row("gsub('a=b&c=d', '(%w+)=(%w+)', '%2=%1')", 100000, function(s) local f = s.gsub return function() return f("a=b&c=d", "(%w+)=(%w+)", "%2=%1") end end)
local t = { a = "1", b = "2" }
row("gsub('$a $b $c', '%$(%w)', table)", 100000, function(s) local f = s.gsub return function() return f("$a $b $c", "%$(%w)", t) end end)
row("gsub('a%20b%20c', '%%(%x%x)', function)", 100000, function(s) local f = s.gsub return function() return f("a%20b%20c", "%%(%x%x)", function(h) return string.char(tonumber(h, 16)) end) end end)
row("gmatch('a, b, c', '[^, ]+')", 100000, function(s) local f = s.gmatch return function() local n = 0 for w in f("a, b, c", "[^, ]+") do n = n + #w end return n end end)
row("gmatch(1 KiB, '%a+')", 5000, function(s) local f = s.gmatch return function() local n = 0 for w in f(k1, "%a+") do n = n + #w end return n end end)
row("format('%s=%d', 'a', 7)", 200000, function(s) local f = s.format return function() return f("%s=%d", "a", 7) end end)
row("format('%s %s %s %s', 4 strings)", 200000, function(s) local f = s.format return function() return f("%s %s %s %s", "a", "b", "c", "d") end end)
return rows
