"""Evidence packs: what proves how a batch was made, in one signed file that is verified without its store."""
