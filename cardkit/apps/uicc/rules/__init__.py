"""Verification rules of the UICC: what must hold on a finished card, and where the standard says so."""
