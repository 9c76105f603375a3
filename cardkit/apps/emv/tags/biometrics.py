"""Biometric objects: the template decides what a tag means (EMV 4.4 Book 3 Annex A)."""

from __future__ import annotations

from cardkit.apps.emv.tags.model import Source, rows

# Columns: tag, format, length in bytes, templates (- for those of the group), name.

TEMPLATES = rows(
    """
7F60    b     var       BF4A,BF4B Biometric Information Template
A1      b     var       7F60     Biometric Header Template
BF4A    b     var       9F31     Offline BIT Group Template
BF4B    b     var       9F31     Online BIT Group Template
BF4E    b     var       -        Biometric Verification Data Template
""",
    Source.CARD,
    clause="EMV 4.4 Book 3 Annex A",
)

HEADER = rows(
    """
81      b     var       A1,BF4E  Biometric Type
82      b     1         A1       Biometric Subtype
""",
    Source.CARD,
    clause="EMV 4.4 Book 3 Annex A",
    templates="A1",
    context="A1",
)

VERIFICATION = rows(
    """
90      b     var       A1,BF4E  Biometric Solution ID
DF50    b     NPE,NIC   -        Enciphered Biometric Key Seed
DF51    b     var       -        Enciphered Biometric Data
DF52    b     8         -        MAC of Enciphered Biometric Data
""",
    Source.CARD,
    clause="EMV 4.4 Book 3 Annex A",
    templates="BF4E",
    context="BF4E",
)

TRIES = rows(
    """
DF50    b     1         -        Facial Try Counter
DF51    b     1         -        Finger Try Counter
DF52    b     1         -        Iris Try Counter
DF53    b     1         -        Palm Try Counter
DF54    b     1         -        Voice Try Counter
""",
    Source.CARD,
    clause="EMV 4.4 Book 3 Annex A",
    templates="BF4C",
    context="BF4C",
)

ATTEMPTS = rows(
    """
DF50    b     1         -        Preferred Facial Attempts
DF51    b     1         -        Preferred Finger Attempts
DF52    b     1         -        Preferred Iris Attempts
DF53    b     1         -        Preferred Palm Attempts
DF54    b     1         -        Preferred Voice Attempts
""",
    Source.CARD,
    clause="EMV 4.4 Book 3 Annex A",
    templates="BF4D",
    context="BF4D",
)
