"""GlobalPlatform cards: what a security domain says of itself, its registry, and secure sessions with it.

Clauses are those of the GlobalPlatform Card Specification 2.3.1 unless another text is named.
"""
