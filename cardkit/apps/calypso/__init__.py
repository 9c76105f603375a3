"""Calypso cards: commands, what a card says of itself, sessions proven by certificates (transport sheet 6).

What is symmetric in Calypso is not public and lives in a SAM: here it is an interface.
"""
