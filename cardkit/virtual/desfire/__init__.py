"""DESFire and NTAG 424: cards that speak native commands, with their own cryptography, files and transactions.

Written from the project's sheet on transport cards; nothing here is shared with the client.
"""
