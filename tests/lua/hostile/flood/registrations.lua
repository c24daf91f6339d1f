-- refused at load:
for i = 1, 1e7 do core.register_fetches("f" .. i, function() end) end
