"""Overlay of kernel 2, Mastercard (EMV Contactless Book C-2); lengths are unverified."""

from __future__ import annotations

from cardkit.apps.emv.tags.model import Source, rows

# Columns: tag, format, length in bytes, templates (- for those of the group), name.

CARD = rows(
    """
9F50    n12   6         -        Offline Accumulator Balance
9F51    b     0-250     -        DRDOL
9F53    an    1         -        Transaction Category Code
9F54    b     0-160     -        DS ODS Card
9F5B    b     0-250     -        DSDOL
9F5D    b     3         BF0C     Application Capabilities Information
9F5E    n     8-11      -        DS ID
9F5F    b     1         -        DS Slot Availability
9F60    b     2         77       CVC3 (Track 1)
9F61    b     2         77       CVC3 (Track 2)
9F62    b     6         -        PCVC3 (Track 1)
9F63    b     6         -        PUNATC (Track 1)
9F64    b     1         -        NATC (Track 1)
9F65    b     2         -        PCVC3 (Track 2)
9F66    b     2         -        PUNATC (Track 2)
9F67    b     1         -        NATC (Track 2)
9F68    b     var       -        Mag-stripe CVM List
9F69    b     0-250     -        UDOL
9F6B    b     0-19      -        Track 2 Data
9F6C    b     2         -        Mag-stripe Application Version Number (Card)
9F6E    b     5-32      BF0C,70  Third Party Data
9F6F    b     1         -        DS Slot Management Control
9F70    b     0-192     -        Protected Data Envelope 1
9F71    b     0-192     -        Protected Data Envelope 2
9F72    b     0-192     -        Protected Data Envelope 3
9F73    b     0-192     -        Protected Data Envelope 4
9F74    b     0-192     -        Protected Data Envelope 5
9F75    b     0-192     -        Unprotected Data Envelope 1
9F76    b     0-192     -        Unprotected Data Envelope 2
9F77    b     0-192     -        Unprotected Data Envelope 3
9F78    b     0-192     -        Unprotected Data Envelope 4
9F79    b     0-192     -        Unprotected Data Envelope 5
9F7D    b     8,16      -        DS Summary 1
DF4B    b     3         -        POS Cardholder Interaction Information
DF60    b     8         -        DS Input (Card)
DF8101  b     8,16      -        DS Summary 2
DF8102  b     8,16      -        DS Summary 3
DF8302  b     4         -        Device Relay Resistance Entropy
DF8303  b     2         -        Min Time For Processing RR APDU
DF8304  b     2         -        Max Time For Processing RR APDU
DF8305  b     2         -        Device Estimated Transmission Time For RR R-APDU
""",
    Source.CARD,
    clause="EMV Contactless Book C-2 Annex A, lengths unverified",
    templates="70,77",
    context="C-2",
)

READER = rows(
    """
9F5C    b     8         -        DS Requested Operator ID
9F6A    n8    4         -        Unpredictable Number (Numeric)
9F6D    b     2         -        Mag-stripe Application Version Number (Reader)
9F7C    b     20        -        Merchant Custom Data
9F7E    b     1         -        Mobile Support Indicator
9F7F    b     4         -        DS Unpredictable Number
DF61    b     8         -        DS Digest H
DF62    b     1         -        DS ODS Info
DF63    b     0-160     -        DS ODS Term
DF8104  n12   6         -        Balance Read Before Gen AC
DF8105  n12   6         -        Balance Read After Gen AC
DF8106  b     var       -        Data Needed
DF8107  b     var       -        CDOL1 Related Data
DF8108  b     1         -        DS AC Type
DF8109  b     8         -        DS Input (Term)
DF810A  b     1         -        DS ODS Info For Reader
DF810B  b     1         -        DS Summary Status
DF810C  b     1         -        Kernel ID
DF810D  b     var       -        DSVN Term
DF810E  b     1         -        Post-Gen AC Put Data Status
DF810F  b     1         -        Pre-Gen AC Put Data Status
DF8110  b     1         -        Proceed To First Write Flag
DF8111  b     var       -        PDOL Related Data
DF8112  b     var       -        Tags To Read
DF8113  b     var       -        DRDOL Related Data
DF8114  b     1         -        Reference Control Parameter
DF8115  b     6         -        Error Indication
DF8116  b     22        -        User Interface Request Data
DF8117  b     1         -        Card Data Input Capability
DF8118  b     1         -        CVM Capability - CVM Required
DF8119  b     1         -        CVM Capability - No CVM Required
DF811A  b     3         -        Default UDOL
DF811B  b     1         -        Kernel Configuration
DF811C  b     2         -        Max Lifetime of Torn Transaction Log Record
DF811D  b     1         -        Max Number of Torn Transaction Log Records
DF811E  b     1         -        Mag-stripe CVM Capability - CVM Required
DF811F  b     1         -        Security Capability
DF8120  b     5         -        TAC Default
DF8121  b     5         -        TAC Denial
DF8122  b     5         -        TAC Online
DF8123  n12   6         -        Reader Contactless Floor Limit
DF8124  n12   6         -        Reader Contactless Transaction Limit (No On-device CVM)
DF8125  n12   6         -        Reader Contactless Transaction Limit (On-device CVM)
DF8126  n12   6         -        Reader CVM Required Limit
DF8127  b     2         -        Time Out Value
DF8128  b     1         -        IDS Status
DF8129  b     8         -        Outcome Parameter Set
DF812A  ans   0-56      -        DD Card (Track 1)
DF812B  cn    0-8       -        DD Card (Track 2)
DF812C  b     1         -        Mag-stripe CVM Capability - No CVM Required
DF812D  n6    3         -        Message Hold Time
DF8130  b     1         -        Hold Time Value
DF8131  b     var       -        Phone Message Table
DF8132  b     2         -        Minimum Relay Resistance Grace Period
DF8133  b     2         -        Maximum Relay Resistance Grace Period
DF8134  b     2         -        Terminal Expected Transmission Time For RR C-APDU
DF8135  b     2         -        Terminal Expected Transmission Time For RR R-APDU
DF8136  b     2         -        Relay Resistance Accuracy Threshold
DF8137  b     1         -        Relay Resistance Transmission Time Mismatch Threshold
DF8301  b     4         -        Terminal Relay Resistance Entropy
DF8306  b     2         -        Measured Relay Resistance Processing Time
DF8307  b     1         -        RRP Counter
FF8101  b     var       -        Torn Record
FF8102  b     var       -        Tags To Write Before Gen AC
FF8103  b     var       -        Tags To Write After Gen AC
FF8104  b     var       -        Data To Send
FF8105  b     var       -        Data Record
FF8106  b     var       -        Discretionary Data
""",
    Source.TERMINAL,
    clause="EMV Contactless Book C-2 Annex A, lengths unverified",
    context="C-2",
)
