"""Orders on their way into the store: OpenPGP, reading and sealing in processes, the import itself."""
