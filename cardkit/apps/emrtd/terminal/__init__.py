"""A border reader: what an inspection system does with a travel document (ICAO Doc 9303-11 A, BSI TR-03110-1)."""
