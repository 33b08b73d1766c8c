depth = 1
