-- refused at load:
Map.new("/etc/passwd", Map._str)
