"""Offline data authentication: certificates and signatures, made and recovered (EMV 4.4 Book 2, 5 to 7).

``recover`` reads what a card shows, ``create`` makes what a card is given, ``dynamic`` is what it signs itself.
"""
