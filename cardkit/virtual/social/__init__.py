"""One chip with several applications, composed of chips there are: payment or document, identification, transport.

Payment or document is a GlobalPlatform chip and with its issuer security domain the platform of the card; the others
lie beside it.
"""
