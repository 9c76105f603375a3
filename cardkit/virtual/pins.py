"""VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN (ETSI TS 102 221 11.1.9 to 11.1.13)."""

from . import statuswords as sw
from .chip import Answer, Chip, Command
from .errors import StatusWordError
from .secretstate import CAN_BE_DISABLED, CHANGEABLE, DISABLED, NOT_INITIALISED, UNBLOCKABLE, Secret

_CODE = 8
_REFERENCES = frozenset((*range(0x01, 0x09), *range(0x0A, 0x0F), 0x11, *range(0x81, 0x89), *range(0x8A, 0x8F)))


def valid_reference(p1: int, p2: int) -> bool:
    """P1 00 and a key reference of TS 102 221 table 9.3."""
    return p1 == 0 and p2 in _REFERENCES


def verify(chip: Chip, command: Command) -> Answer:
    """VERIFY PIN; without data the tries left, changing nothing."""
    _length(command, _CODE, empty=True)
    secret = _find(chip, command)
    if not command.data:
        return b"", sw.tries_left(secret.left) if secret.left else sw.BLOCKED
    _initialised(secret, disabled=False)
    _present(chip, secret, command.data)
    secret.settle()
    return _granted(chip, secret)


def change(chip: Chip, command: Command) -> Answer:
    """CHANGE PIN: old value, new value."""
    _length(command, 2 * _CODE)
    secret = _find(chip, command)
    _initialised(secret, disabled=False)
    _allowed(secret, CHANGEABLE)
    _present(chip, secret, command.data[:_CODE])
    secret.settle(value=command.data[_CODE:])
    return _granted(chip, secret)


def disable(chip: Chip, command: Command) -> Answer:
    """DISABLE PIN: it no longer needs to be presented, and what it protects is granted."""
    _length(command, _CODE)
    secret = _find(chip, command)
    _initialised(secret, disabled=False)
    _allowed(secret, CAN_BE_DISABLED)
    _present(chip, secret, command.data)
    secret.settle(disabled=True)
    return _granted(chip, secret)


def enable(chip: Chip, command: Command) -> Answer:
    """ENABLE PIN; it counts as verified until the end of the session."""
    _length(command, _CODE)
    secret = _find(chip, command)
    _initialised(secret, disabled=True)
    _present(chip, secret, command.data)
    secret.settle(disabled=False)
    return _granted(chip, secret)


def unblock(chip: Chip, command: Command) -> Answer:
    """UNBLOCK PIN: unblocking code, new value; without data the tries of the unblocking code."""
    _length(command, 2 * _CODE, empty=True)
    secret = _find(chip, command)
    _allowed(secret, UNBLOCKABLE)
    if not command.data:
        return b"", sw.tries_left(secret.unblocks_left) if secret.unblocks_left else sw.BLOCKED
    if not secret.compare_unblocking(command.data[:_CODE]):
        raise StatusWordError(sw.tries_left(secret.unblocks_left))
    secret.settle(value=command.data[_CODE:], disabled=False, unblocked=True)
    return _granted(chip, secret)


def _present(chip: Chip, secret: Secret, code: bytes) -> None:
    """Present a code.

    :raises StatusWordError: 63CX and nothing granted any more, or 6983.
    """
    if not secret.compare(code):
        secret.verified = False
        chip.secrets.refresh()
        raise StatusWordError(sw.tries_left(secret.left))


def _granted(chip: Chip, secret: Secret) -> Answer:
    secret.verified = True
    chip.secrets.refresh()
    return b"", sw.OK


def _find(chip: Chip, command: Command) -> Secret:
    adf = command.channel.adf
    return chip.secrets.find(command.p2, adf.path if adf is not None else "")


def _length(command: Command, size: int, *, empty: bool = False) -> None:
    if len(command.data) != size and not (empty and not command.data):
        raise StatusWordError(sw.WRONG_LENGTH)


def _initialised(secret: Secret, *, disabled: bool) -> None:
    """The secret must be initialised, and disabled or not as the command needs it."""
    if secret.has(NOT_INITIALISED) or secret.has(DISABLED) is not disabled:
        raise StatusWordError(sw.DATA_INVALIDATED)


def _allowed(secret: Secret, flag: int) -> None:
    if not secret.has(flag):
        raise StatusWordError(sw.CONDITIONS)
