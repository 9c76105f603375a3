"""One chip with several applications, composed of chips there are: payment, identification, transport.

Payment is a GlobalPlatform chip and with its issuer security domain the platform of the card; the others lie beside it.
"""
