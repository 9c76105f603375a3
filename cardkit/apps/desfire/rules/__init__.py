"""Verification rules of DESFire cards (transport sheet 10)."""
