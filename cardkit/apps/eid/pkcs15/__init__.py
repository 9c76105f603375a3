"""PKCS#15 cards (ISO/IEC 7816-15): structure, commands, states."""
