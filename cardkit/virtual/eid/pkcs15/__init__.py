"""A chip with an ISO file system and keys, for PKCS#15 (ISO 7816-4, -8, -9, -15).

Its commands are those OpenSC's card driver `isoApplet` speaks, so that pkcs15-init personalizes it.
"""
