-- refused at load: execution timeout
while true do end
