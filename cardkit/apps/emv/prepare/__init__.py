"""Data preparation: one record of an order becomes the data groupings of a payment card, before any card is there."""
