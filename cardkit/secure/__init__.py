"""Secure channels as pure objects: parameters, a state, wrap and unwrap. No I/O, no clock, no randomness inside."""
