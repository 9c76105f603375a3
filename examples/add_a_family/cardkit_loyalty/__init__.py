"""Loyalty cards for cardkit: one directory, a member number, a balance, an issuer code."""
