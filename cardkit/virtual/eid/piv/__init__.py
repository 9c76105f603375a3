"""The card side of PIV (SP 800-73-4 part 2), with the vendor commands that yubikit knows."""
