"""Payment applications on the virtual GlobalPlatform card: personalized as EMV CPS says, then contact and contactless.

`directory` holds the PSE and the PPSE, `payment` the payment application with one module per chapter: `dgis` and
`personalization` take its data, `initiate` starts a transaction, `authentication` signs, `pin` verifies the cardholder,
`actions` makes cryptograms, `scripts` obeys the issuer, `contactless` does all in one command.
"""
