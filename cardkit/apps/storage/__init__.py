"""Storage cards behind a contactless reader: Ultralight, NTAG 21x, Classic (PC/SC part 3; transport sheet 1).

They speak no APDUs; the reader does it for them. They are read and checked here, never made.
"""
