"""Bytes to a card and back: PC/SC readers, cards in this process, recorded traces, a meter."""
