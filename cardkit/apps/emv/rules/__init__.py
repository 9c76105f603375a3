"""Verification rules of payment cards, EMV-001 to EMV-112, and packs of further ones."""
