"""One context of the PC/SC service: the only place that calls smartcard.scard's list and wait functions."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import ClassVar

from cardkit.errors import ContextLimitError, Executed, ServiceDownError
from cardkit.transport import pcsc_errors
from cardkit.transport.pcsc_errors import failure

# pcscd serves about 200 contexts and hangs up on the next: that looks like the refusal of a forbidden user or, when it
# hangs up before libpcsclite has spoken, like no service at all.
_MANY_CONTEXTS = 150
_REFUSED = (pcsc_errors.SECURITY_VIOLATION, pcsc_errors.NO_SERVICE)
_INSTALL_HINT = "install cardkit[pcsc] (on Linux it needs gcc, python3-dev and libpcsclite-dev)"


@functools.cache
def scard() -> ModuleType:
    """Return ``smartcard.scard``, loaded at its first use.

    :raises ServiceDownError: when pyscard is not installed.
    """
    try:
        return importlib.import_module("smartcard.scard")
    except ImportError as error:
        raise ServiceDownError(
            f"PC/SC readers need pyscard, which cannot be loaded ({error}): {_INSTALL_HINT}",
            operation="context",
            executed=Executed.NO,
        ) from error


class Context:
    """A context: one per reader and thread. Use it as a context manager, or call :meth:`release`.

    :raises ServiceDownError: when there is no PC/SC service.  :raises AccessDeniedError: when it refuses us.
    :raises ContextLimitError: when this process has used the service's contexts up.
    """

    _open: ClassVar[int] = 0

    def __init__(self) -> None:
        hresult, self.handle = scard().SCardEstablishContext(scard().SCARD_SCOPE_USER)
        hresult &= 0xFFFFFFFF
        if hresult in _REFUSED and Context._open >= _MANY_CONTEXTS:
            raise ContextLimitError(
                f"the PC/SC service has no context left, this process holds {Context._open}",
                operation="context",
                hresult=hresult,
                executed=Executed.NO,
            )
        if hresult:
            raise failure("context", hresult)
        self._released = False
        Context._open += 1

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give the context back; idempotent, silent when the service is gone."""
        if not self._released:
            self._released = True
            Context._open -= 1
            scard().SCardReleaseContext(self.handle)

    def readers(self) -> list[str]:
        """Return the readers' names in the service's order, none if there is no reader."""
        hresult, names = scard().SCardListReaders(self.handle, [])
        hresult &= 0xFFFFFFFF
        if hresult == pcsc_errors.NO_READERS_AVAILABLE:
            return []
        if hresult:
            raise failure("list", hresult)
        return list(names)

    def status_change(self, timeout_ms: int, known: Sequence[tuple[str, int]]) -> list[tuple[str, int, bytes]]:
        """Return (name, state, ATR) of each reader as soon as one differs from its known state.

        :param timeout_ms: how long to wait for a difference.  :param known: name and state as last returned, 0 if none.
        :returns: the unchanged states after a time-out.  :raises ReaderGoneError: when one of them is no more.
        """
        if not known:
            raise ValueError("no reader to wait for")
        hresult, states = scard().SCardGetStatusChange(self.handle, timeout_ms, list(known))
        hresult &= 0xFFFFFFFF
        if hresult not in (pcsc_errors.SUCCESS, pcsc_errors.TIMEOUT):
            raise failure("wait", hresult, known[0][0])
        return [(name, state, bytes(atr)) for name, state, atr in states]
