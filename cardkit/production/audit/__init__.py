"""The audit outside its store: signed checkpoints, exports, and their check with a public key only. security.md 11"""
