"""A GlobalPlatform card: OPEN, registry, security domains, card content, and the card's half of the secure channels.

Clauses without another name are those of the GlobalPlatform Card Specification 2.3.1, cited as the project's
specification sheet cites them.
"""
