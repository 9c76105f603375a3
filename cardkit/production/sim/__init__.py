"""A whole plant on virtual cards, with faults: machines are killed, stopped and lose readers. production.md 7

It judges the product, so it stands beside it: nothing else in ``production`` imports it. Linux only.
"""
