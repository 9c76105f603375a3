"""Identity cards with keys and certificates: PIV (NIST SP 800-73-4)."""
