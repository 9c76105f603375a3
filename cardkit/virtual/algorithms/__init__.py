"""Algorithms of subscriber authentication and privacy, as the card computes them."""
