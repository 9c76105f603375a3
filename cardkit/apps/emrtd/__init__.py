"""Electronic machine readable travel documents (ICAO Doc 9303 parts 3 to 6, 9 to 12)."""
