"""Over the air: secured packets (SCP80) in short messages, and what they do to files and security domains."""
