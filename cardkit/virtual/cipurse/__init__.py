"""Transport cards after CIPURSE: blank chips with transport keys, in the three syntaxes V1, V2 and V3.

CIPURSE has no free specification. What these chips do is what the terminal library of the OSPT Alliance, run as a black
box, and open programs expect of a card; "sheet" in docstrings is the project's summary of that. What none of them shows
is a table in the image (images/cipurse.toml), unverified.
"""
