"""What a card sends: templates, selection, records, answers (EMV 4.4 Book 3 Annex A)."""

from __future__ import annotations

from cardkit.apps.emv.tags.model import Source, rows

# Columns: tag, format, length in bytes, templates (- for those of the group), name.

TEMPLATES = rows(
    """
61      b     0-252     70,BF0C  Application Template
62      b     var       -        File Control Parameters (FCP) Template
6F      b     0-252     -        File Control Information (FCI) Template
70      b     0-252     -        READ RECORD Response Message Template
71      b     var       -        Issuer Script Template 1 (before the second GENERATE AC)
72      b     var       -        Issuer Script Template 2 (after the second GENERATE AC)
73      b     0-252     61       Directory Discretionary Template
77      b     var       -        Response Message Template Format 2
80      b     var       -        Response Message Template Format 1
83      b     var       -        Command Template
A5      b     var       6F       FCI Proprietary Template
BF0C    b     0-222     A5       FCI Issuer Discretionary Data
""",
    Source.CARD,
    clause="EMV 4.4 Book 3 Annex A",
)

SELECTION = rows(
    """
42      n6    3         BF0C,73  Issuer Identification Number
4F      b     5-16      61       Application Dedicated File (ADF) Name, AID
50      ans   1-16      61,A5    Application Label
84      b     5-16      6F       Dedicated File (DF) Name
87      b     1         61,A5    Application Priority Indicator
88      b     1         A5       Short File Identifier (SFI) of the directory
9D      b     5-16      61       Directory Definition File (DDF) Name
5F2D    an2   2-8       A5       Language Preference
5F50    ans   var       BF0C,73  Issuer URL
5F53    b     0-34      BF0C,73  International Bank Account Number (IBAN)
5F55    a2    2         BF0C,73  Issuer Country Code alpha-2
5F56    a3    3         BF0C,73  Issuer Country Code alpha-3
9F0A    b     var       BF0C,73  Application Selection Registered Proprietary Data (ASRPD)
5F54    an    8,11      BF0C,73  Bank Identifier Code (BIC)
9F0C    n     3-4       BF0C,73  Issuer Identification Number Extended (IINE)
9F11    n2    1         A5       Issuer Code Table Index
9F12    ans   1-16      61,A5    Application Preferred Name
9F29    b     var       61       Extended Selection
9F2A    b     1-8       61       Kernel Identifier
9F38    b     var       A5       Processing Options Data Object List (PDOL)
9F3E    b     var       BF0C     Terminal Categories Supported List
9F3F    b     var       BF0C     Selection Data Object List (SDOL)
9F4D    b     2         BF0C,73  Log Entry
""",
    Source.CARD,
    clause="EMV 4.4 Book 3 Annex A",
)

RECORDS = rows(
    """
56      ans   0-76      -        Track 1 Data (mag-stripe mode)
57      b     0-19      -        Track 2 Equivalent Data
5A      cn    0-10      -        Application Primary Account Number (PAN)
5F20    ans   2-26      -        Cardholder Name
5F24    n6    3         -        Application Expiration Date
5F25    n6    3         -        Application Effective Date
5F28    n3    2         -        Issuer Country Code
5F30    n3    2         -        Service Code
5F34    n2    1         -        Application PAN Sequence Number
8C      b     0-252     -        Card Risk Management Data Object List 1 (CDOL1)
8D      b     0-252     -        Card Risk Management Data Object List 2 (CDOL2)
8E      b     10-252    -        Cardholder Verification Method (CVM) List
8F      b     1         -        Certification Authority Public Key Index
90      b     NCA       -        Issuer Public Key Certificate
92      b     NI-NCA+36 -        Issuer Public Key Remainder
93      b     NI        -        Signed Static Application Data (SSAD)
97      b     0-252     -        Transaction Certificate Data Object List (TDOL)
9F05    b     1-32      -        Application Discretionary Data
9F07    b     2         -        Application Usage Control (AUC)
9F08    b     2         -        Application Version Number (card)
9F0B    ans   27-45     -        Cardholder Name Extended
9F0D    b     5         -        Issuer Action Code - Default
9F0E    b     5         -        Issuer Action Code - Denial
9F0F    b     5         -        Issuer Action Code - Online
9F14    b     1         -        Lower Consecutive Offline Limit
9F19    n11   6         -        Token Requestor ID
9F1F    ans   var       -        Track 1 Discretionary Data
9F20    cn    var       -        Track 2 Discretionary Data
9F23    b     1         -        Upper Consecutive Offline Limit
9F24    an29  29        -        Payment Account Reference (PAR)
9F25    n4    2         -        Last 4 Digits of PAN
9F2D    b     NI        -        ICC PIN Encipherment (RSA) or ODE (ECC) Public Key Certificate
9F2E    b     1,3       -        ICC PIN Encipherment Public Key Exponent
9F2F    b     NPE-NI+42 -        ICC PIN Encipherment Public Key Remainder
9F31    b     var       -        Card Biometric Information Template (BIT) Group Template
9F32    b     1,3       -        Issuer Public Key Exponent
9F3B    n3    2-8       -        Application Reference Currency
9F42    n3    2         -        Application Currency Code
9F43    n1    1-4       -        Application Reference Currency Exponent
9F44    n1    1         -        Application Currency Exponent
9F46    b     NI        -        ICC Public Key Certificate
9F47    b     1,3       -        ICC Public Key Exponent
9F48    b     NIC-NI+42 -        ICC Public Key Remainder
9F49    b     0-252     -        Dynamic Data Authentication Data Object List (DDOL)
9F4A    b     var       -        Static Data Authentication Tag List
""",
    Source.CARD,
    clause="EMV 4.4 Book 3 Annex A",
    templates="70,77",
)

ANSWERS = rows(
    """
82      b     2         -        Application Interchange Profile (AIP)
94      b     4-252/4   -        Application File Locator (AFL)
9F10    b     0-32      -        Issuer Application Data (IAD)
9F26    b     8         -        Application Cryptogram
9F27    b     1         -        Cryptogram Information Data (CID)
9F36    b     2         -        Application Transaction Counter (ATC)
9F4B    b     NIC       -        Signed Dynamic Application Data (SDAD)
""",
    Source.CARD,
    clause="EMV 4.4 Book 3 Annex A",
    templates="77,80",
)

DATA = rows(
    """
9F13    b     2         -        Last Online ATC Register
9F17    b     1         -        PIN Try Counter
9F45    b     2         -        Data Authentication Code (from SSAD)
9F4C    b     2-8       -        ICC Dynamic Number (from SDAD)
9F4F    b     var       -        Log Format
BF4C    b     var       -        Biometric Try Counters Template
BF4D    b     var       -        Preferred Attempts Template
""",
    Source.CARD,
    clause="EMV 4.4 Book 3 Annex A",
)
