"""What a card can do: one folder for each application, found through the registry."""
