"""Payment cards (EMV 4.4): tags, lists, bits, commands, a terminal, cryptograms, data preparation."""
