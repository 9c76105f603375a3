"""A package compiled into a profile: the states that make a card of some chip what the package describes.

Contents stand as the catalogue's codecs decode them. What the record owns is cut out and named instead: ICCID, IMSI,
subscriber number, keys and codes; the package's own values of these are one row of an order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cardkit.apps.uicc.saip.authentication import Authentication, read_authentications
from cardkit.apps.uicc.saip.building import Build, Table
from cardkit.apps.uicc.saip.codes import PinCode, read_codes
from cardkit.apps.uicc.saip.filesystem import FileSystem, read_files
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.personalize import ALGORITHM_NUMBERS
from cardkit.apps.uicc.saip.schema import IND_BITS
from cardkit.apps.uicc.saip.subscriber import read_subscriber
from cardkit.apps.uicc.saip.tomltext import table
from cardkit.apps.uicc.saip.writing import Contents
from cardkit.apps.uicc.schema import ChipBlock
from cardkit.apps.uicc.sqn import next_sqn
from cardkit.apps.uicc.states.authentication import WITH_OPC
from cardkit.crypto import Secret
from cardkit.crypto.secret import joined
from cardkit.encoding.digits import luhn_valid
from cardkit.errors import ProfileError

TEST_KEYS = "test-keys.toml"
_ALGORITHMS = {number: name for name, number in ALGORITHM_NUMBERS.items()}
_APPLICATION = "ADF.USIM"
_ISSUER_DIGITS, _CONSTANT_BYTES = 7, 16
_LAYOUT = {"kind": "delimited", "encoding": "utf-8", "newline": "any", "sep": ",", "header": "names"}


@dataclass(frozen=True, slots=True)
class CompiledProfile:
    """A profile, and what the package itself would put into an order.

    :param tables: of profile.toml, by header.  :param own: the record's values, by field.
    :param problems: what of the package will not be on the card, and why.
    """

    tables: Mapping[str, Mapping[str, Any]]
    own: Mapping[str, str | Secret]
    problems: tuple[str, ...]

    def toml(self) -> str:
        """Return profile.toml: no key and no code is in it."""
        lines = ["# Compiled from a profile package."]
        for header, entries in self.tables.items():
            lines += table(header, entries)
        return "\n".join([*lines, ""])

    def order(self) -> bytes:
        """Return an order of one row: the package's own record, keys and codes in clear."""
        cells = (self._cell(name, value) for name, value in self.own.items())
        return ",".join(self.own).encode() + b"\n" + b",".join(cells) + b"\n"

    def _cell(self, name: str, value: str | Secret) -> bytes:
        if isinstance(value, str):
            return value.encode()
        clear = joined((value,))
        is_text = self.tables["record"][name]["type"] == "digits"
        return clear.rstrip(b"\xff") if is_text else clear.hex().upper().encode()


def compiled_profile(
    package: Package, name: str, chip_name: str, chip: ChipBlock, *, issuer: str = ""
) -> CompiledProfile:
    """Return the profile of a package on a chip.

    :param name: of the product, small letters, digits and hyphens.  :param chip: a chip model's table.
    :param issuer: key set of the security domain, where the chip takes K and OPc through one.
    :raises ProfileError: when the package has no subscriber or no keys, or an algorithm no profile has.
    :raises EncodingError: when the package's codes or keys lack a part.
    """
    files = read_files(package)
    codes = read_codes(package, files.contexts)
    subscriber = read_subscriber(files)
    build = Build(files, codes, chip)
    contents = Contents(files, chip, build, subscriber)
    given = _authentication(package, files, build)
    own: dict[str, str | Secret] = {**subscriber.values, **_keys(given), **_codes(codes, chip)}
    written = contents.written()
    tables: dict[str, Table] = {
        "profile": _profile(package, name, chip_name),
        "record": {field: _field(field, value) for field, value in own.items()},
        "layout": _LAYOUT,
        "uicc.network": {
            "mcc": subscriber.values["imsi"][:3],
            "mnc": subscriber.mnc,
            "iccid_prefix": subscriber.values["iccid"][:_ISSUER_DIGITS],
        },
        **_code_tables(own, codes),
        "uicc.auth": {**_auth(given), **({"issuer": issuer} if issuer else {})},
    }
    if not chip.identity:
        tables |= {f"uicc.build.{part}": entries for part, entries in build.tables(contents.filled).items()}
    tables["uicc.files"] = written
    return CompiledProfile(tables, own, (*files.problems, *build.problems))


def _profile(package: Package, name: str, chip_name: str) -> Table:
    kind = package.header.first("profileType")
    return {
        "name": name,
        "version": 1,
        "family": "sim",
        "kind": "TEST",
        "chip": chip_name,
        "apps": ["uicc"],
        "title": kind.text if kind else "profile package",
        "test_keys": TEST_KEYS,
    }


# The record


def _keys(given: Authentication) -> dict[str, Secret]:
    if given.k is None:
        raise ProfileError(f"profile package: {_APPLICATION} has no key")
    with_opc = _ALGORITHMS[given.algorithm] in WITH_OPC
    return {"ki": given.k, **({"opc": given.opc} if with_opc and given.opc is not None else {})}


def _codes(codes: tuple[PinCode, ...], chip: ChipBlock) -> dict[str, Secret]:
    """Return the codes this chip takes: PINs that lie in files, and the plant's administrative key."""
    found: dict[str, Secret] = {}
    for code in codes:
        secret = chip.secrets.get(code.name)
        if secret is None or code.name.lower() in found:
            continue
        if secret.file and code.puk is not None:
            found[code.name.lower()] = code.value
            found[f"puk{code.name[-1]}"] = code.puk.value
        elif code.name == "ADM1":
            found["adm1"] = code.value
    return found


def _field(name: str, value: str | Secret) -> Table:
    """Return the rule of a field."""
    if name == "iccid":
        check = {"check": "luhn"} if isinstance(value, str) and luhn_valid(value) else {}
        return {"type": "digits", "min": 19, "max": 20, **check, "key": name}
    if isinstance(value, str):
        return {"type": "digits", "min": 5, "max": 15, "key": name, "class": "personal"}
    if name in ("ki", "opc"):
        return {"type": "key", "algorithm": f"AES-{8 * len(value)}", "transport": ""}
    if name.startswith("adm"):
        return {"type": "hex", "bytes": len(value), "class": "secret"}
    return {"type": "digits", "min": 4, "max": 8, "class": "secret"}


def _code_tables(own: Mapping[str, str | Secret], codes: tuple[PinCode, ...]) -> dict[str, Table]:
    enabled = {code.name: code.enabled for code in codes}
    pins = {
        name.upper(): {"value": f"{{{name}}}", "puk": f"{{puk{name[-1]}}}", "enabled": enabled[name.upper()]}
        for name in own
        if name.startswith("pin")
    }
    tables: dict[str, Table] = {"uicc.pins": pins} if pins else {}
    if "adm1" in own:
        tables["uicc.adm"] = {"ADM1": {"value": "{adm1}", "format": "hex"}}
    return tables


# Authentication


def _authentication(package: Package, files: FileSystem, build: Build) -> Authentication:
    """Return what the USIM authenticates with; a profile has one key for all applications."""
    found = {files.name_of(one.directory): one for one in read_authentications(package, files.contexts)}
    main = found.get(_APPLICATION)
    if main is None or main.source or main.algorithm not in _ALGORITHMS:
        got = "nothing" if main is None else "another application's" if main.source else main.name
        raise ProfileError(f"profile package: {_APPLICATION} authenticates with {got}, expected parameters of its own")
    for name, other in found.items():
        if not other.source and (other.k, other.opc, other.algorithm) != (main.k, main.opc, main.algorithm):
            build.note(f"{name}: its keys are not those of {_APPLICATION}, which it gets")
    return main


def _auth(given: Authentication) -> Table:
    algorithm = _ALGORITHMS[given.algorithm]
    seq, ind = max((seq, -ind) for ind, seq in enumerate(given.sqn))
    start = seq << IND_BITS | -ind
    auth: Table = {"algorithm": algorithm, "k": "{ki}"}
    if algorithm in WITH_OPC:
        auth["opc"] = "{opc}"
    if algorithm == "milenage" and not given.usual_constants:
        parts = range(0, len(given.constants), _CONSTANT_BYTES)
        auth["milenage"] = {
            "r": list(given.rotations),
            "c": [given.constants[i : i + _CONSTANT_BYTES].hex() for i in parts],
        }
    if algorithm == "tuak":
        auth["tuak"] = {"iterations": given.iterations}
    if algorithm == "xor":
        auth["accept"] = ["xor"]  # the package itself asks for the test algorithm
    return {**auth, "sqn_start": start, "sqn_max": next_sqn(start, 0, IND_BITS), "delta": given.delta}
