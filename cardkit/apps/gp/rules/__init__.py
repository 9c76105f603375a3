"""Verification rules of GlobalPlatform cards: what must hold on a finished card, and where the standard says so."""
