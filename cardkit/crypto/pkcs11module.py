"""Loading a PKCS#11 module and opening its tokens: one process at a time, a few tries, errors by whose fault they are.

Everything here needs the extra ``pkcs11``; nothing else imports it before a token is asked for.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cardkit.crypto.pkcs11uri import Pkcs11URI
from cardkit.crypto.secret import Secret
from cardkit.errors import (
    KeyStoreError,
    KeyStoreLockedError,
    KeyStoreUnavailableError,
    UnsupportedKeyOperationError,
)

try:
    import pkcs11
    from pkcs11 import exceptions
except ImportError:  # the extra is not installed
    raise KeyStoreError("PKCS#11: python-pkcs11 is not installed: pip install 'cardkit[pkcs11]'") from None
if sys.platform != "win32":
    import fcntl

__all__ = ["LOST", "exceptions", "open_session", "pkcs11", "reason", "translated"]

TRIES = 5
FIRST_PAUSE_S = 0.05

LOST = (
    exceptions.SessionHandleInvalid,
    exceptions.SessionClosed,
    exceptions.DeviceRemoved,
    exceptions.DeviceError,
    exceptions.TokenNotPresent,
)
_LOCKED = (
    exceptions.PinIncorrect,
    exceptions.PinInvalid,
    exceptions.PinLenRange,
    exceptions.PinLocked,
    exceptions.PinExpired,
    exceptions.UserPinNotInitialized,
)
_UNSUPPORTED = (
    exceptions.MechanismInvalid,
    exceptions.MechanismParamInvalid,
    exceptions.KeyUnextractable,
    exceptions.KeyNotWrappable,
    exceptions.KeySizeRange,
    exceptions.KeyTypeInconsistent,
    exceptions.AttributeSensitive,
    exceptions.FunctionNotSupported,
)
# What a module says while another process starts it (measured with SoftHSM): worth another try.
_STARTING = (exceptions.NoSuchToken, exceptions.GeneralError, exceptions.TokenNotPresent, exceptions.DeviceError)


def reason(error: Exception) -> str:
    """Return a token's error as words: the name of the return value."""
    return type(error).__name__


def translated(what: str, error: Exception) -> KeyStoreError:
    """Return our error for a token's; what its own says of handles and parameters stays behind.

    :param what: the operation, or the key it was done with.
    """
    if isinstance(error, LOST):
        return KeyStoreUnavailableError(f"{what}: the token is gone ({reason(error)})")
    if isinstance(error, _LOCKED):
        return KeyStoreLockedError(f"{what}: the token refused the PIN ({reason(error)}); it is not tried again")
    if isinstance(error, _UNSUPPORTED):
        return UnsupportedKeyOperationError(f"{what}: this token does not do it ({reason(error)})")
    return KeyStoreError(f"{what}: the token failed ({reason(error)})")


def open_session(uri: Pkcs11URI, pin: Secret) -> Any:
    """Log in and return a session for reading and writing.

    Processes that start together disturb each other (12 of 40 failed, measured with SoftHSM): a lock lets one start at
    a time, and what may pass is tried again. A refused PIN is never tried again.

    :raises KeyStoreUnavailableError: where module or token is not there.
    :raises KeyStoreLockedError: where the PIN is refused.
    """
    if not Path(uri.module_path).is_file():
        raise KeyStoreUnavailableError(f"{uri}: no module {uri.module_path}")
    with _start_lock(uri.module_path):
        for attempt in range(TRIES):
            try:
                return _log_in(_token(uri, again=attempt > 0), pin)
            except _STARTING as error:
                last = reason(error)
                time.sleep(FIRST_PAUSE_S * 2**attempt)
            except exceptions.PKCS11Error as error:
                raise translated(str(uri), error) from None
    raise KeyStoreUnavailableError(f"{uri}: not found by {uri.module_path} ({last})")


def _token(uri: Pkcs11URI, *, again: bool) -> Any:
    """Return the token; ``again`` has the module look for its tokens once more."""
    try:
        module = pkcs11.lib(uri.module_path)
    except RuntimeError:
        raise KeyStoreUnavailableError(f"{uri}: {uri.module_path} is no PKCS#11 module") from None
    if again:
        module.reinitialize()
    named = {"token_serial": uri.serial.encode()} if uri.serial else {}
    try:
        return module.get_token(token_label=uri.token, **named)
    except exceptions.MultipleTokensReturned:
        raise KeyStoreUnavailableError(f"{uri}: several tokens have this label: name one by ;serial=") from None


def _log_in(token: Any, pin: Secret) -> Any:
    """Login is per application: a process that has a session open opens further ones without a PIN."""
    with pin.reveal() as clear:
        try:
            return token.open(rw=True, user_pin=clear.decode("utf-8", "replace"))
        except exceptions.UserAlreadyLoggedIn:
            return token.open(rw=True)


@contextmanager
def _start_lock(module_path: str) -> Iterator[None]:
    """Let one process at a time start a module, where the platform can lock files."""
    if sys.platform == "win32":
        yield
        return
    name = hashlib.sha256(module_path.encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"cardkit-pkcs11-{os.getuid()}-{name}.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
