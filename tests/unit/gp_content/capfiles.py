"""CAP files built here, byte by byte after the virtual machine's specification: no converter's output."""

from __future__ import annotations

import io
import zipfile

PACKAGE = bytes.fromhex("D276000085494A434F")
APPLET = PACKAGE + b"\x01"
FRAMEWORK = bytes.fromhex("A0000000620101")
TAGS = {
    "Header": 1, "Directory": 2, "Applet": 3, "Import": 4, "ConstantPool": 5, "Class": 6, "Method": 7,
    "StaticField": 8, "RefLocation": 9, "Export": 10, "Descriptor": 11, "Debug": 12,
}  # fmt: skip
# The order a card takes them in, written out from the specification once more.
ORDER = (
    "Header", "Directory", "Import", "Applet", "Class", "Method", "StaticField", "Export", "ConstantPool",
    "RefLocation",
)  # fmt: skip


def component(name: str, info: bytes) -> bytes:
    return bytes([TAGS[name]]) + len(info).to_bytes(2, "big") + info


def header(*, flags: int = 0x04, magic: str = "DECAFFED", aid: bytes = PACKAGE) -> bytes:
    return component("Header", bytes.fromhex(magic) + bytes([1, 2, flags, 3, 1, len(aid)]) + aid)


def applet(*aids: bytes) -> bytes:
    body = b"".join(bytes([len(aid)]) + aid + b"\x00\x10" for aid in aids)
    return component("Applet", bytes([len(aids)]) + body)


def imports(*packages: tuple[bytes, int, int]) -> bytes:
    body = b"".join(bytes([minor, major, len(aid)]) + aid for aid, major, minor in packages)
    return component("Import", bytes([len(packages)]) + body)


def components(code_bytes: int = 100, **others: bytes) -> dict[str, bytes]:
    """Return the components of a small applet package, the Method component filled with `code_bytes`."""
    parts = {name: component(name, name.encode()) for name in TAGS}
    parts |= {
        "Header": header(),
        "Applet": applet(APPLET),
        "Import": imports((FRAMEWORK, 1, 3)),
        "Method": component("Method", bytes(number % 253 for number in range(code_bytes))),
    }
    return parts | others


def archive(parts: dict[str, bytes], *, folder: str = "org/example/javacard/", **others: bytes) -> bytes:
    """Return the ZIP archive of components, in no order a card would take, with what else such files hold."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        out.writestr("APPLET-INF/applet.xml", "<applet/>")
        out.writestr("org/example/javacard/example.exp", bytes(10))
        for name, content in sorted(parts.items(), reverse=True):
            out.writestr(f"{folder}{name}.cap", content)
        for name, content in others.items():
            out.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return packed.getvalue()


def wrapped(content: bytes, name: str = "example.cap") -> bytes:
    """Return an archive around one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("README.txt", "an applet")
        out.writestr(name, content)
    return packed.getvalue()
