"""cardkit: personalize and verify smart cards from versioned profiles."""
