"""Parameters of INSTALL: what the applet gets, its memory, services and implicit selection (GPCS 11.5.2.3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cardkit.encoding.tlv import build
from cardkit.errors import EncodingError

# Tag of each memory figure in template EF, in the order written (Table 11-49).
_LARGEST_SHORT = 0x7FFF
_LARGEST = 0x7FFFFFFF
_CONTACTLESS, _CONTACT = 0x80, 0x40
_LAST_CHANNEL = 19


def implicit_selection(*, contact: bool = False, contactless: bool = False, channel: int = 0) -> bytes:
    """Return the value of ``CF``: interfaces and logical channel on which an application is selected (11.1.7).

    >>> implicit_selection(contact=True, contactless=True).hex()
    'c0'
    """
    if not 0 <= channel <= _LAST_CHANNEL:
        raise EncodingError(f"implicit selection: logical channel {channel}, expected 0 to {_LAST_CHANNEL}")
    return bytes((contactless * _CONTACTLESS | contact * _CONTACT | channel,))


def token_template(
    *, provider: bytes = b"", image: bytes = b"", application_provider: bytes = b"", token_id: bytes = b""
) -> bytes:
    """Return the control reference template of a token, ``B6`` (Table 11-51).

    :param provider: 42, IIN or provider id of the domain that checks.  :param image: 45.
    :param application_provider: 5F20.  :param token_id: 93.
    """
    pairs = ((0x42, provider), (0x45, image), (0x5F20, application_provider), (0x93, token_id))
    return build(0xB6, b"".join(build(tag, value) for tag, value in pairs if value))


@dataclass(frozen=True, slots=True)
class InstallParameters:
    """The parameter field of INSTALL.

    :param application: ``C9``, what the applet's install method gets; None leaves the object out (for load, registry).
    :param code_bytes: ``C6``, room the code needs.  :param volatile_bytes: ``C7``.  :param nonvolatile_bytes: ``C8``.
    :param reserved_volatile_bytes: ``D7``.  :param reserved_nonvolatile_bytes: ``D8``.
    :param services: ``CB``, 2 bytes each.  :param toolkit: ``CA``, TS 102 226 8.2.1.3.
    :param implicit: ``CF`` values, see :func:`implicit_selection`.
    :param restrict: ``D9``: b7 registry update, b6 personalization, b5 extradition, b4 selectable, b3 install, b2 load,
        b1 delete; on the OPEN it cannot be taken back.
    :param uicc: ``EA``, TS 102 226.  :param template: a whole ``B6``, see :func:`token_template`.

    >>> InstallParameters(b"", nonvolatile_bytes=256, volatile_bytes=256).build().hex()
    'c900ef08c8020100c7020100'
    """

    application: bytes | None = None
    code_bytes: int | None = None
    volatile_bytes: int | None = None
    nonvolatile_bytes: int | None = None
    reserved_volatile_bytes: int | None = None
    reserved_nonvolatile_bytes: int | None = None
    services: tuple[bytes, ...] = ()
    toolkit: bytes = b""
    implicit: tuple[bytes, ...] = ()
    restrict: bytes = b""
    uicc: bytes = b""
    template: bytes = b""

    def build(self) -> bytes:
        """Return the field; objects that are not set are left out.

        :raises EncodingError: on a size below 0 or above 2^31 - 1.
        """
        application = b"" if self.application is None else build(0xC9, self.application)
        inner = b"".join(build(tag, value) for tag, value in self._system())
        system = build(0xEF, inner) if inner else b""
        uicc = build(0xEA, self.uicc) if self.uicc else b""
        return application + system + uicc + self.template

    def _system(self) -> Iterator[tuple[int, bytes]]:
        sizes = (
            (0xC6, self.code_bytes),
            (0xC8, self.nonvolatile_bytes),
            (0xC7, self.volatile_bytes),
            (0xD7, self.reserved_volatile_bytes),
            (0xD8, self.reserved_nonvolatile_bytes),
        )
        yield from ((tag, _memory(tag, size)) for tag, size in sizes if size is not None)
        yield from ((0xCB, service) for service in self.services)
        yield from ((tag, value) for tag, value in ((0xCA, self.toolkit), (0xD9, self.restrict)) if value)
        yield from ((0xCF, value) for value in self.implicit)


def _memory(tag: int, size: int) -> bytes:
    """Return a memory size: 2 bytes up to 32767, else 4 (Table 11-49)."""
    if not 0 <= size <= _LARGEST:
        raise EncodingError(f"memory size {tag:02X}: got {size}, expected 0 to {_LARGEST}")
    return size.to_bytes(2 if size <= _LARGEST_SHORT else 4, "big")
