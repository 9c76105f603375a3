"""The command line of a LIVE plant whose passwords are cheap to check, each coupler in a process of its own."""

from __future__ import annotations

import cardkit.production.run
from cardkit.cli import main
from cardkit.crypto import passphrase

passphrase.COSTS["argon2id"] = {"m_kib": 32, "t": 1, "p": 4}
cardkit.production.run.own_process = lambda target, keys: True

if __name__ == "__main__":
    main()
