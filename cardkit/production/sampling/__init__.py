"""Sampling by attributes, lot by lot (ISO 2859-1), for checks that cannot be made on every card."""
