"""What a card says in bits (EMV 4.4 Book 3 Annex C; EMV Contactless Books)."""

from __future__ import annotations

from cardkit.apps.emv.bits.model import table

AIP = table(
    "Application Interchange Profile",
    2,
    """
    1.8 XDA supported
    1.7 SDA supported
    1.6 DDA supported
    1.5 cardholder verification is supported
    1.4 terminal risk management is to be performed
    1.3 issuer authentication is supported (EXTERNAL AUTHENTICATE)
    1.2 on-device cardholder verification is supported
    1.1 CDA supported
    2.8 EMV mode is supported (contactless)
    2.7 mobile phone (contactless)
    2.6 contactless transaction
    2.1 relay resistance protocol is supported (contactless)
    """,
    clause="EMV 4.4 Book 3 C1; EMV Contactless Book C-2",
)

AUC = table(
    "Application Usage Control",
    2,
    """
    1.8 domestic cash
    1.7 international cash
    1.6 domestic goods
    1.5 international goods
    1.4 domestic services
    1.3 international services
    1.2 at ATMs
    1.1 at terminals other than ATMs
    2.8 domestic cashback
    2.7 international cashback
    """,
    clause="EMV 4.4 Book 3 C2",
)

CID = table(
    "Cryptogram Information Data",
    1,
    """
    1.8-7 cryptogram: 00 AAC, 01 TC, 10 ARQC
    1.6-5 #payment system's own bits
    1.4 advice required
    1.3-1 reason: 000 none, 001 service not allowed, 010 PIN try limit exceeded, 011 issuer authentication failed
    """,
    clause="EMV 4.4 Book 3 6.5.5.4",
)

PRIORITY = table(
    "Application Priority Indicator",
    1,
    """
    1.8 cannot be selected without the cardholder's confirmation
    1.4-1 #priority (1 highest, 0 none)
    """,
    clause="EMV 4.4 Book 1 12.2.3",
)

CSU = table(
    "Card Status Update",
    4,
    """
    1.8 proprietary authentication data follows
    1.4-1 #PIN try counter
    2.8 issuer approves online transaction
    2.7 card block
    2.6 application block
    2.5 update PIN try counter
    2.4 go online on next transaction
    2.3 created by proxy for the issuer
    2.2-1 counters: 00 leave, 01 set to upper limit, 10 set to zero, 11 add transaction
    4.8-1 #issuer-discretionary
    """,
    clause="EMV 4.4 Book 3 C10",
)

CTQ = table(
    "Card Transaction Qualifiers",
    2,
    """
    1.8 online PIN required
    1.7 signature required
    1.6 go online if offline data authentication fails
    1.5 switch interface if offline data authentication fails
    1.4 go online if application expired
    1.3 switch interface for cash
    1.2 switch interface for cashback
    1.1 not valid for contactless ATM transactions
    2.8 consumer device cardholder verification performed
    2.7 card supports issuer update processing at the point of sale
    """,
    clause="EMV Contactless Book C-3",
)

FORM_FACTOR = table(
    "Form Factor Indicator",
    4,
    """
    1.8-6 #version
    1.5-1 form factor: 00000 card, 00001 mini card, 00010 non-card, 00011 mobile phone, 00100 wrist-worn
    2.8 passcode capable
    2.7 signature panel
    2.6 hologram
    2.5 CVV2
    2.4 two-way messaging
    2.3 cloud based
    2.2 biometric capable
    4.4-1 #payment transaction technology
    """,
    clause="EMV Contactless Book C-3",
)

KERNEL_ID = table(
    "Kernel Identifier, first byte",
    1,
    """
    1.8-7 kernel: 00 international, 01 reserved for future use, 10 domestic EMVCo format, 11 domestic proprietary format
    1.6-1 #short kernel identifier
    """,
    clause="EMV Contactless Book B Table 3-4",
)
