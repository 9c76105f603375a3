"""Packages made by hand for one test: DER from nested lists, without the code under test."""

from __future__ import annotations

from cardkit.apps.uicc.saip.package import Package

MF_TEMPLATE, USIM_TEMPLATE, ISIM_TEMPLATE = "67810F010201", "67810F010204", "67810F010208"


def der(tag: int, *parts: str | bytes) -> bytes:
    """Return one object; digits and bytes in a row are its value."""
    value = b"".join(bytes.fromhex(part) if isinstance(part, str) else part for part in parts)
    size = len(value)
    length = bytes((size,)) if size < 0x80 else bytes((0x82, size >> 8, size & 0xFF))
    return bytes.fromhex(f"{tag:02X}") + length + value


HEADER = der(0xA0, "800103", "810103", "830A89999010000000000013", "A500", "A600")
END = der(0xAA, "A003810109")
ID = der(0xA0, "810101")


def file(tag: int, *parts: str | bytes) -> bytes:
    """Return a File component."""
    return der(tag, *parts)


def fcp(*parts: str) -> bytes:
    """Return a fileDescriptor choice of a File."""
    return der(0xA1, *parts)


def content(octets: str) -> bytes:
    """Return fillFileContent."""
    return der(0x83, octets)


def skip(count: int) -> bytes:
    """Return fillFileOffset, up to 127."""
    return der(0x82, f"{count:02X}")


def element(tag: int, template: str, *files: bytes) -> bytes:
    """Return an element that fills a template."""
    return der(tag, ID, der(0x81, template), *files)


MF = element(
    0xB0,
    MF_TEMPLATE,
    file(0xA2, fcp("C603010A0B")),
    file(0xA4, content("98991009000000000031")),
    file(0xA5, fcp("820442210026", "80014C"), content("61")),
    file(0xA6, fcp("82044221001A", "800134"), content("8001019000")),
)
"""ICCID, EF.DIR 2 x 38 and EF.ARR 2 x 26, and what the template makes by itself: EF.PL, EF.UMPC."""


def usim(*files: bytes) -> bytes:
    """Return a USIM under FID 7FF0; `files` come behind EF.ARR, before EF.UST."""
    return element(
        0xB3,
        USIM_TEMPLATE,
        file(0xA2, fcp("83027FF0", "8407A0000000871002", "C6040181 0A0B".replace(" ", ""))),
        file(0xA3, content("080910101032547698")),
        file(0xA4, fcp("82044221001A", "80011A"), content("8001019000")),
        *files,
        file(0xA8, content("00")),
    )


def package(*elements: bytes) -> Package:
    """Return a package of these elements between header and end."""
    return Package.read(b"".join((HEADER, *elements, END)))
