"""A payment terminal: takes a card through a whole transaction and explains every step (EMV 4.4 Books 1 to 4)."""
