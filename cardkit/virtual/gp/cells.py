"""Names of the memory cells: where everything persistent lies, for the card and for judges in tests.

registry/AID         an entry of the registry
keys/AID/KVN         a key set of a security domain     tries/AID/KVN     its counter and tries
data/AID/TAG         a data object of one               scp11/AID/TAG/REF what belongs to a key of SCP11
app/AID/NAME         what an application stores         journal           old values, during a command
"""

REGISTRY, KEYS, TRIES, DATA, SCP11, APPLICATION = "registry", "keys", "tries", "data", "scp11", "app"
OF_DOMAIN = (KEYS, TRIES, DATA, SCP11)  # folders of a security domain


def folder(kind: str, aid: bytes) -> str:
    """What all cells of one kind that belong to one AID begin with."""
    return f"{kind}/{aid.hex().upper()}/"


def registry(aid: bytes) -> str:
    """A registry entry."""
    return f"{REGISTRY}/{aid.hex().upper()}"


def keys(aid: bytes, kvn: int) -> str:
    """A key set."""
    return f"{folder(KEYS, aid)}{kvn:02X}"


def tries(aid: bytes, kvn: int) -> str:
    """Counter and tries of a key set."""
    return f"{folder(TRIES, aid)}{kvn:02X}"


def data(aid: bytes, tag: int) -> str:
    """A data object of a security domain."""
    return f"{folder(DATA, aid)}{tag:02X}"


def scp11(aid: bytes, tag: int, reference: bytes = b"") -> str:
    """What belongs to a key of SCP11.

    :param reference: KID and KVN; empty for what all cells of that tag begin with.
    """
    return f"{folder(SCP11, aid)}{tag:02X}/{reference.hex().upper()}"


def application(aid: bytes, name: str) -> str:
    """What an application stores."""
    return f"{folder(APPLICATION, aid)}{name}"
