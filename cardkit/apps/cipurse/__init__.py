"""CIPURSE transport cards: commands, files, keys, one card from blank to finished."""
