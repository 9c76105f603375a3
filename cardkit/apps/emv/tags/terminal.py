"""What the terminal and the issuer host send (EMV 4.4 Book 3 Annex A)."""

from __future__ import annotations

from cardkit.apps.emv.tags.model import Source, rows

# Columns: tag, format, length in bytes, templates (- for those of the group), name.

ISSUER = rows(
    """
86      b     0-261     71,72    Issuer Script Command
89      an6   6         -        Authorisation Code
8A      an2   2         -        Authorisation Response Code (ARC)
91      b     8-16      -        Issuer Authentication Data
9F18    b     4         71,72    Issuer Script Identifier
""",
    Source.ISSUER,
    clause="EMV 4.4 Book 3 Annex A",
)

TERMINAL = rows(
    """
81      b     4         -        Amount, Authorised (Binary)
8B      b     var       -        Point-of-Interaction (POI) Information
95      b     5         -        Terminal Verification Results (TVR)
96      b     8         -        Kernel Identifier - Terminal
98      b     20        -        Transaction Certificate (TC) Hash Value
99      b     var       -        Transaction Personal Identification Number (PIN) Data
9A      n6    3         -        Transaction Date
9B      b     2         -        Transaction Status Information (TSI)
9C      n2    1         -        Transaction Type
5F2A    n3    2         -        Transaction Currency Code
5F36    n1    1         -        Transaction Currency Exponent
5F57    n2    1         -        Account Type
9F01    n6-11 6         -        Acquirer Identifier
9F02    n12   6         -        Amount, Authorised (Numeric)
9F03    n12   6         -        Amount, Other (Numeric)
9F04    b     4         -        Amount, Other (Binary)
9F06    b     5-16      -        Application Identifier (AID) - terminal
9F09    b     2         -        Application Version Number - terminal
9F15    n4    2         -        Merchant Category Code
9F16    ans15 15        -        Merchant Identifier
9F1A    n3    2         -        Terminal Country Code
9F1B    b     4         -        Terminal Floor Limit
9F1C    an8   8         -        Terminal Identification
9F1D    b     1-8       -        Terminal Risk Management Data
9F1E    an8   8         -        Interface Device (IFD) Serial Number
9F21    n6    3         -        Transaction Time
9F22    b     1         -        Certification Authority Public Key Index - terminal
9F30    b     3         -        Biometric Terminal Capabilities
9F33    b     3         -        Terminal Capabilities
9F34    b     3         -        Cardholder Verification Method (CVM) Results
9F35    n2    1         -        Terminal Type
9F37    b     4         -        Unpredictable Number
9F39    n2    1         -        Point-of-Service (POS) Entry Mode
9F3A    b     4         -        Amount, Reference Currency
9F3C    n3    2         -        Transaction Reference Currency Code
9F3D    n1    1         -        Transaction Reference Currency Exponent
9F40    b     5         -        Additional Terminal Capabilities
9F41    n4-8  2-4       -        Transaction Sequence Counter
9F4E    ans   var       -        Merchant Name and Location
""",
    Source.TERMINAL,
    clause="EMV 4.4 Book 3 Annex A",
)
