"""DESFire: transport, access and NFC cards of D40 to EV3, DESFire Light and NTAG 424 DNA (transport sheet 3 to 5)."""
