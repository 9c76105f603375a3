"""What is made for one travel document before a chip is touched: its zone, data groups, keys, security object."""
