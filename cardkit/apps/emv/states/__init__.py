"""Desired states of a payment card: those of the card it stands on, and how what was prepared is proven on it."""
