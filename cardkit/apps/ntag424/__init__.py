"""NTAG 424 DNA: a tag that answers every reading with another URL, enciphered and with a MAC (SUN; AN12196)."""
