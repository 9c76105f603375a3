"""What must be true of a finished travel document, how it is written, read back and proven."""
