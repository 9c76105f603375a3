"""Desired states of GlobalPlatform cards: what a profile asks for, the commands that make it so, how it is seen."""
