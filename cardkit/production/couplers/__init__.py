"""One coupler: the loop that takes cards, and the two places it can run in, a thread or a process of its own."""
