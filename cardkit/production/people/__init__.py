"""People of a plant: named accounts, roles, steps that need two of them, approvals. security.md 3 (R1..R5), 4"""
