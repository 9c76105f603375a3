"""Electronic travel documents: the chip of a passport or an identity card (ICAO Doc 9303-10, -11; BSI TR-03110).

Three blank chips are personalized in three ways (`native`, `applet`, `applet2006`) and then do the same for readers:
`terminal` is what a stranger meets after the lock, a file per protocol around it.
"""
