"""Chips for electronic identity: PIV (SP 800-73-4), and one with an ISO file system for PKCS#15 (ISO 7816-15).

Both start blank. What personalizes them is what third-party programs speak: yubikit and OpenSC's piv-tool for the
first, OpenSC's pkcs15-init for the second.
"""
