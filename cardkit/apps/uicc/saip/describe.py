"""A package in words: plain values for JSON, and lines for people.

Directories are given as in a dump of a card, so both can be compared. No key, PIN or content of a secret file is in
the document; what no codec knows is shown by its size, because nobody can say that it is no key.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeAlias

from cardkit.apps.uicc.arr import words
from cardkit.apps.uicc.codecs.fields import to_hex
from cardkit.apps.uicc.dump import tree_lines
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import Secrecy
from cardkit.apps.uicc.saip.asn1 import UNKNOWN, Kind, Node, Primitive
from cardkit.apps.uicc.saip.authentication import Authentication, read_authentications
from cardkit.apps.uicc.saip.codes import PinCode, read_codes
from cardkit.apps.uicc.saip.control import conditions, parameters
from cardkit.apps.uicc.saip.drafts import CardFile
from cardkit.apps.uicc.saip.filesystem import FileSystem, read_files
from cardkit.apps.uicc.saip.package import Package, header_of
from cardkit.apps.uicc.saip.schema_files import FILE_LISTS
from cardkit.apps.uicc.saip.templates import template_of
from cardkit.encoding.der import read_oid

FORMAT = "cardkit-saip-1"

Document: TypeAlias = dict[str, Any]

_SHOWN_WHOLE = ("securityDomain", "rfm", "application", "nonStandard", "cdmaParameter")


def describe(package: Package) -> Document:
    """Return what a package makes, in words.

    :raises EncodingError: on codes or authentication parameters without the parts they cannot do without.
    """
    files = read_files(package)
    codes = read_codes(package, files.contexts)
    return {
        "format": FORMAT,
        **_header(package),
        "elements": [_element(at, element) for at, element in enumerate(package.elements, 1)],
        "directories": [_directory(directory, files, codes) for directory in files.directories()],
        "codes": [_code(code, files) for code in codes],
        "authentication": [_authentication(a, files) for a in read_authentications(package, files.contexts)],
        "others": [
            {"element": element.name, **_components(element)}
            for element in package.elements
            if element.name in _SHOWN_WHOLE
        ],
        "problems": list(files.problems),
    }


def _header(package: Package) -> Document:
    header = package.header
    kind, services = header.first("profileType"), header.first("eUICC-Mandatory-services")
    return {
        "version": package.version,
        "type": kind.text if kind else "",
        "iccid": to_hex(header.require("iccid").octets).rstrip("F"),
        "services": [service.name for service in services.children] if services else [],
    }


def _element(number: int, element: Node) -> Document:
    """Return number, name, identification and template of an element."""
    if element.name == UNKNOWN:
        return {"number": number, "element": f"unknown, tag {element.tag:02X}", "bytes": len(element.build())}
    found: Document = {"number": number, "element": element.name, "bytes": len(element.build())}
    header = header_of(element)
    if header is not None:
        found["identification"] = header.require("identification").number
        found["mandated"] = header.first("mandated") is not None
    if element.name in FILE_LISTS:
        oid = read_oid(element.require("templateID").octets)
        found["template"] = oid
        found["template_known"] = template_of(oid) is not None
    return found


# Files


def _directory(directory: CardFile, files: FileSystem, codes: tuple[PinCode, ...]) -> Document:
    entry = _parameters(directory, files, codes)
    entry["files"] = [_file(file, files, codes) for file in files.in_directory(directory.path)]
    return entry


def _parameters(file: CardFile, files: FileSystem, codes: tuple[PinCode, ...]) -> Document:
    fcp = Fcp.parse(parameters(file, codes))
    described = {name: value for name, value in fcp.describe().items() if name not in {"total_size", "proprietary"}}
    entry: Document = {"name": file.name, "parameters": described}
    access = conditions(file, files, codes)
    if access is not None:
        entry["access"] = {operation: words(condition) for operation, condition in access.items()}
    return entry


def _file(file: CardFile, files: FileSystem, codes: tuple[PinCode, ...]) -> Document:
    entry = _parameters(file, files, codes)
    secrecy = file.spec.secrecy.value if file.spec else "unknown"
    title = file.name.rpartition("/")[2]
    entry |= {"name": title, "fid": f"{file.fid:04X}", "secrecy": secrecy}
    if file.link is not None:
        linked = files.files[file.link]
        return {**entry, "linked_to": linked.name}
    return {**entry, **_body(file)}


def _body(file: CardFile) -> Document:
    if file.shape is None or not file.shape.structure.has_records:
        return _shown(file, file.body)
    return {"records": [{"number": no, **_shown(file, record)} for no, record in enumerate(file.records(), 1)]}


def _shown(file: CardFile, body: bytes) -> Document:
    """Return what may be seen of a body: of secret ones, and of those nobody knows, only whether they are blank."""
    spec = file.spec
    if spec is None or spec.secrecy is Secrecy.SECRET:
        return {"hidden": True, "blank": body == file.over[: len(body)]}
    return {"body": to_hex(body), "value": spec.decode(body) if body else {"empty": True}}


# Codes, authentication, the rest


def _code(code: PinCode, files: FileSystem) -> Document:
    found: Document = {
        "name": code.name,
        "directory": files.name_of(code.directory),
        "enabled": code.enabled,
        "changeable": code.changeable,
        "can_be_disabled": code.can_be_disabled,
        "tries": f"{code.tries.left} of {code.tries.most}",
    }
    if code.puk is not None:
        found["unblocking_tries"] = f"{code.puk.tries.left} of {code.puk.tries.most}"
    return found


def _authentication(given: Authentication, files: FileSystem) -> Document:
    directory = files.name_of(given.directory)
    if given.source:
        return {"directory": directory, "shares_with": to_hex(given.source)}
    return {
        "directory": directory,
        "algorithm": given.name,
        "options": to_hex(given.options),
        "key_bytes": len(given.k) if given.k is not None else 0,
        "constants": "usual" if given.usual_constants else "the operator's own",
        "iterations": given.iterations,
        "sqn_options": to_hex(given.sqn_options),
        "delta": given.delta,
        "age_limit": given.age_limit,
        "highest_seq": max(given.sqn),
    }


def _components(node: Node) -> Document:
    """Return the components of a value; those that come several times are a list."""
    found: Document = {}
    for child in node.children:
        value = _value(child)
        if child.name in found:
            before = found[child.name]
            found[child.name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[child.name] = value
    return found


def _value(node: Node) -> Any:
    kind = node.type
    if not isinstance(kind, Primitive):
        return _components(node)
    if kind.secrecy is Secrecy.SECRET:
        return f"{len(node.octets)} bytes"
    if kind.kind is Kind.INTEGER:
        return kind.words.get(node.number, node.number)
    if kind.kind is Kind.NULL:
        return True
    if kind.kind is Kind.OID:
        return read_oid(node.octets)
    return node.text if kind.kind is Kind.TEXT else to_hex(node.octets)


# The document as lines


def lines(document: Document) -> Iterator[str]:
    """Yield the document for people, a line at a time."""
    yield f"profile package {document['version']}, {document['type'] or 'no type'}, ICCID {document['iccid']}"
    yield f"  needs {', '.join(document['services']) or 'nothing'}"
    yield from islice(tree_lines({"class": "", "atr": "", "directories": document["directories"]}), 1, None)
    yield from (_code_line(code) for code in document["codes"])
    yield from (f"  authentication of {_facts(entry, 'directory')}" for entry in document["authentication"])
    yield from (f"  {_facts(entry, 'element')}" for entry in document["others"])
    yield from (f"  ! {problem}" for problem in document["problems"])


def _code_line(code: Document) -> str:
    able = [word for word in ("enabled", "changeable", "can_be_disabled") if code[word]]
    unblock = f", unblocking {code['unblocking_tries']}" if "unblocking_tries" in code else ""
    return f"  {code['name']} of {code['directory']}: {', '.join(able)}; tries {code['tries']}{unblock}".replace(
        "_", " "
    )


def _facts(entry: Document, title: str) -> str:
    parts = (f"{name} {_text(value)}" for name, value in entry.items() if name != title)
    return f"{entry[title]}: {', '.join(parts)}"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} {_text(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + "; ".join(map(_text, value)) + "]"
    return str(value)
