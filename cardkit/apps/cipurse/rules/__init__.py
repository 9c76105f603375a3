"""What a CIPURSE card showed, judged (rules TRANSIT of the transport sheet)."""
