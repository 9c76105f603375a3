"""Certificates and signed lists of travel documents: made for tests by keys of a key store, read from everywhere."""
