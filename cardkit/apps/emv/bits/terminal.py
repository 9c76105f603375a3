"""What a terminal says in bits (EMV 4.4 Book 3 Annex C, Book 4 Annex A; EMV Contactless Books)."""

from __future__ import annotations

from cardkit.apps.emv.bits.model import table

TVR = table(
    "Terminal Verification Results",
    5,
    """
    1.8 offline data authentication was not performed
    1.7 SDA failed
    1.6 ICC data missing
    1.5 card appears on terminal exception file
    1.4 DDA failed
    1.3 CDA failed
    1.2 SDA selected
    1.1 XDA selected
    2.8 ICC and terminal have different application versions
    2.7 expired application
    2.6 application not yet effective
    2.5 requested service not allowed for card product
    2.4 new card
    2.2 biometric performed and successful
    2.1 biometric template format not supported
    3.8 cardholder verification was not successful
    3.7 unrecognised CVM
    3.6 PIN try limit exceeded
    3.5 PIN entry required and PIN pad not present or not working
    3.4 PIN entry required, PIN pad present, but PIN was not entered
    3.3 online CVM captured
    3.2 biometric required and capture device not working
    3.1 biometric required, but subtype entry was bypassed
    4.8 transaction exceeds floor limit
    4.7 lower consecutive offline limit exceeded
    4.6 upper consecutive offline limit exceeded
    4.5 transaction selected randomly for online processing
    4.4 merchant forced transaction online
    4.3 biometric try limit exceeded
    4.2 a selected biometric type is not supported
    4.1 XDA signature verification failed
    5.8 default TDOL used
    5.7 issuer authentication failed
    5.6 script processing failed before final GENERATE AC
    5.5 script processing failed after final GENERATE AC
    5.4 relay resistance threshold exceeded (contactless)
    5.3 CA ECC key missing, or relay resistance time limits exceeded
    5.2 ECC key recovery failed, or relay resistance protocol performed
    5.1 relay resistance protocol not performed
    """,
    clause="EMV 4.4 Book 3 C5",
)

TSI = table(
    "Transaction Status Information",
    2,
    """
    1.8 offline data authentication was performed
    1.7 cardholder verification was performed
    1.6 card risk management was performed
    1.5 issuer authentication was performed
    1.4 terminal risk management was performed
    1.3 script processing was performed
    """,
    clause="EMV 4.4 Book 3 C6",
)

CAPABILITIES = table(
    "Terminal Capabilities",
    3,
    """
    1.8 manual key entry
    1.7 magnetic stripe
    1.6 IC with contacts
    2.8 plaintext PIN for ICC verification
    2.7 enciphered PIN for online verification
    2.6 signature
    2.5 enciphered PIN for offline verification (RSA)
    2.4 no CVM required
    2.3 online biometric
    2.2 offline biometric
    2.1 enciphered PIN for offline verification (ECC)
    3.8 SDA
    3.7 DDA
    3.6 card capture
    3.4 CDA
    3.3 XDA
    """,
    clause="EMV 4.4 Book 4 A2",
)

TERMINAL_TYPE = table(
    "Terminal Type",
    1,
    """
    1.8-5 operated by: 0001 financial institution, 0010 merchant, 0011 cardholder
    1.4-1 environment: 0001 attended online only, 0010 attended offline with online capability, 0011 attended offline\
 only, 0100 unattended online only, 0101 unattended offline with online capability, 0110 unattended offline only
    """,
    clause="EMV 4.4 Book 4 A1",
)

ADDITIONAL_CAPABILITIES = table(
    "Additional Terminal Capabilities",
    5,
    """
    1.8 cash
    1.7 goods
    1.6 services
    1.5 cashback
    1.4 inquiry
    1.3 transfer
    1.2 payment
    1.1 administrative
    2.8 cash deposit
    3.8 numeric keys
    3.7 alphabetic and special character keys
    3.6 command keys
    3.5 function keys
    4.8 print, attendant
    4.7 print, cardholder
    4.6 display, attendant
    4.5 display, cardholder
    4.2 code table 10
    4.1 code table 9
    5.8 code table 8
    5.7 code table 7
    5.6 code table 6
    5.5 code table 5
    5.4 code table 4
    5.3 code table 3
    5.2 code table 2
    5.1 code table 1
    """,
    clause="EMV 4.4 Book 4 A3",
)

TTQ = table(
    "Terminal Transaction Qualifiers",
    4,
    """
    1.8 mag-stripe mode supported
    1.6 EMV mode supported
    1.5 EMV contact chip supported
    1.4 offline-only reader
    1.3 online PIN supported
    1.2 signature supported
    1.1 offline data authentication for online authorisations supported
    2.8 online cryptogram required
    2.7 CVM required
    2.6 (contact chip) offline PIN supported
    2.4 fast mode supported
    2.3 transit
    3.8 issuer update processing supported
    3.7 consumer device CVM supported
    3.6 consumer device CVM for transit supported
    3.4 consumer device CVM required
    4.8 fDDA version 1 supported
    """,
    clause="EMV Contactless Book C-3",
)
