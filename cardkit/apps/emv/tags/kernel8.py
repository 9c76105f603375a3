"""Overlay of kernel 8 (EMV Contactless Book C-8 Annex A)."""

from __future__ import annotations

from cardkit.apps.emv.tags.model import Source, rows

# Columns: tag, format, length in bytes, templates (- for those of the group), name.

CARD = rows(
    """
9F2C    b     7         -        Card Qualifier
9F8102  b     1         -        Cardholder Verification Decision
9F8103  b     64,132    -        Card Key Data
9F8104  b     5         -        Card TVR
9F8105  b     8         -        Enhanced Data Authentication MAC
9F8106  b     0-128     -        Authenticated Application Data
9F8107  b     1         -        IAD MAC Offset
9F8108  b     2-5       -        Restart Indicator
9F810A  b     var       -        Extended SDA Tag List
9F810B  b     32,66     -        ICC ECC Public Key (for RSA certificates)
9F810C  b     2         -        Relay Resistance Time Excess
9F810D  b     2         -        Card Capabilities Information
9F8111  b     0-243     -        Data Envelope 1
9F8112  b     0-243     -        Data Envelope 2
9F8113  b     0-243     -        Data Envelope 3
9F8114  b     0-243     -        Data Envelope 4
9F8115  b     0-243     -        Data Envelope 5
9F8116  b     0-243     -        Data Envelope 6
9F8117  b     0-243     -        Data Envelope 7
9F8118  b     0-243     -        Data Envelope 8
9F8119  b     0-243     -        Data Envelope 9
9F811A  b     0-243     -        Data Envelope 10
""",
    Source.CARD,
    clause="EMV Contactless Book C-8 Annex A",
    templates="70,77",
    context="C-8",
)

READER = rows(
    """
9E      b     0-132     -        Kernel Key Data
9F2B    b     8         -        Kernel Qualifier
9F8109  b     8         -        Issuer Application Data MAC
9F8201  b     var       -        Data Needed
9F8202  b     1         -        Proceed To First Write Flag
9F8203  b     var       -        Tags To Read
9F8204  b     6         -        Error Indication
9F8205  b     13        -        User Interface Request Data 1
9F8206  b     1         -        Card Data Input Capability
9F8207  b     1         -        CVM Capability - CVM Required
9F8208  b     1         -        CVM Capability - No CVM Required
9F8209  b     2         -        Kernel Configuration
9F820A  b     1         -        Security Capability
9F820B  b     5         -        TAC Denial
9F820C  b     5         -        TAC Online
9F820D  n12   6         -        Reader Contactless Floor Limit
9F820E  n12   6         -        Reader CVM Required Limit
9F820F  b     2         -        Timeout Value
9F8210  b     8         -        Outcome Parameter Set
9F8211  n6    3         -        Message Hold Time
9F8212  b     1         -        Hold Time Value
9F8213  b     2         -        Minimum Relay Resistance Grace Period
9F8214  b     2         -        Maximum Relay Resistance Grace Period
9F8215  b     2         -        Terminal Expected Transmission Time For RR C-APDU
9F8216  b     2         -        Terminal Expected Transmission Time For RR R-APDU
9F8217  b     2         -        Relay Resistance Accuracy Threshold
9F8218  b     1         -        RR Transmission Time Mismatch Threshold
9F8219  b     13        -        User Interface Request Data 2
9F821A  b     5         -        Kernel Reserved TVR Mask
9F821B  b     1         -        Write Data Status
9F821C  b     1         -        Read Data Status
9F821D  b     0-32      -        Message Identifiers On Restart
9F821E  b     1         -        Default IAD MAC Offset
9F821F  b     var       -        Discretionary Data Tag List
9F8220  b     0-250     -        Default CDOL1
9F8221  b     var       -        Tag Mapping List
BF8101  b     var       -        Data To Send
BF8102  b     var       -        Data Record
BF8103  b     var       -        Discretionary Data
BF8104  b     var       -        Data Envelopes To Write
""",
    Source.TERMINAL,
    clause="EMV Contactless Book C-8 Annex A",
    context="C-8",
)
