"""Transport cards after CIPURSE: blank chips with transport keys, in the three syntaxes V1, V2 and V3.

What no public text says stands as tables in the image (images/cipurse.toml); clauses are those of the project's sheet.
"""
