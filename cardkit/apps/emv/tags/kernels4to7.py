"""Overlays of kernels 4 to 7: Amex, JCB, Discover, UnionPay and PBOC; lengths are unverified."""

from __future__ import annotations

from cardkit.apps.emv.tags.model import Source, rows

# Columns: tag, format, length in bytes, templates (- for those of the group), name.

C4_CARD = rows(
    """
9F66    n3    2         -        Single Transaction Value Limit Check - Dual Currency Code
9F67    b     1         -        Form Factor
9F70    b     2         -        Card Interface Capabilities
9F71    b     3         -        Mobile CVM Results
""",
    Source.CARD,
    clause="EMV Contactless Book C-4 Annex A, lengths unverified",
    templates="70,77",
    context="C-4",
)

C4_READER = rows(
    """
9F6D    b     1         -        Contactless Reader Capabilities
9F6E    b     4         -        Enhanced Contactless Reader Capabilities
""",
    Source.TERMINAL,
    clause="EMV Contactless Book C-4 Annex A, lengths unverified",
    context="C-4",
)

C5_READER = rows(
    """
9F52    b     1         -        Terminal Compatibility Indicator
9F53    b     3         -        Terminal Interchange Profile
""",
    Source.TERMINAL,
    clause="EMV Contactless Book C-5 Annex A, lengths unverified",
    context="C-5",
)

C6_READER = rows(
    """
9F71    b     2         -        Card Processing Requirement
""",
    Source.TERMINAL,
    clause="EMV Contactless Book C-6 Annex A, lengths unverified",
    context="C-6",
)

C6_CARD = rows(
    """
9F7E    b     48        -        Application Life Cycle Data
""",
    Source.CARD,
    clause="EMV Contactless Book C-6 Annex A, lengths unverified",
    templates="70,77",
    context="C-6",
)

C7_CARD = rows(
    """
9F61    ans   1-40      -        Cardholder ID Number
9F62    b     1         -        Cardholder ID Type
9F63    b     16        -        Product Identification Information
9F6D    n12   6         -        EC Reset Threshold
9F74    an6   6         -        EC Issuer Authorisation Code
9F77    n12   6         -        EC Balance Limit
9F78    n12   6         -        EC Single Transaction Limit
9F79    n12   6         -        EC Balance
DF69    b     1         -        SM Algorithm Indicator
""",
    Source.CARD,
    clause="EMV Contactless Book C-7 Annex A, lengths unverified",
    templates="70,77",
    context="C-7",
)

C7_READER = rows(
    """
9F7A    b     1         -        EC Terminal Support Indicator
9F7B    n12   6         -        EC Terminal Transaction Limit
""",
    Source.TERMINAL,
    clause="EMV Contactless Book C-7 Annex A, lengths unverified",
    context="C-7",
)
