"""How the applications of a package authenticate: algorithm, keys and sequence numbers (SAIP 8.5).

The text on the options was not read: they are kept and shown, and what they mean is not relied upon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cardkit.apps.uicc.saip.asn1 import Node
from cardkit.apps.uicc.saip.drafts import Path
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.schema import ALGORITHMS, IND_BITS
from cardkit.crypto import Secret
from cardkit.errors import EncodingError

# DEFAULT values of the module; sequence numbers are without IND.
_SQN_OPTIONS, _DELTA, _AGE_LIMIT = (bytes.fromhex(text) for text in ("02", "000010000000", "000010000000"))
_MOST_ITERATIONS = 0xFF
_ROTATIONS = bytes.fromhex("4000204060")
_XORED = b"".join(bytes(15) + bytes((byte,)) for byte in (0, 1, 2, 4, 8))


@dataclass(frozen=True, slots=True)
class Authentication:
    """An application's authentication.

    :param directory: of the application.  :param element: its number in the package.
    :param source: AID of the application whose parameters this one shares; empty where it has its own.
    :param algorithm: a number of the module, 0 where another application has it.
    :param rotations: r1 to r5 of Milenage, a byte each.  :param constants: c1 to c5, 16 bytes each.
    :param delta, age_limit: in steps of SEQ.  :param sqn: initial values of SEQ by IND.
    """

    directory: Path
    element: int
    source: bytes
    algorithm: int = 0
    options: bytes = b""
    k: Secret | None = None
    opc: Secret | None = None
    rotations: bytes = field(default=_ROTATIONS, repr=False)
    constants: bytes = field(default=_XORED, repr=False)
    iterations: int = 1
    sqn_options: bytes = _SQN_OPTIONS
    delta: int = 0
    age_limit: int = 0
    sqn: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The algorithm as the module calls it."""
        return ALGORITHMS.get(self.algorithm, f"algorithm {self.algorithm}") if not self.source else "shared"

    @property
    def usual_constants(self) -> bool:
        """Whether Milenage has the constants of TS 35.206 4.1."""
        return self.rotations == _ROTATIONS and self.constants == _XORED


def read_authentications(package: Package, contexts: Sequence[Path]) -> tuple[Authentication, ...]:
    """Return what each application of a package authenticates with.

    :param contexts: the directory each element belongs to.
    :raises EncodingError: on parameters without a key.
    """
    return tuple(_authentication(at, element, contexts[at]) for at, element in package.all("akaParameter"))


def _authentication(at: int, element: Node, directory: Path) -> Authentication:
    chosen = element.require("algoConfiguration")
    mapping = chosen.first("mappingParameter")
    if mapping is not None:
        return Authentication(directory, at, mapping.require("mappingSource").octets)
    given = chosen.require("algoParameter")
    return Authentication(
        directory,
        at,
        b"",
        algorithm=given.require("algorithmID").number,
        options=given.octets_of("algorithmOptions", b""),
        k=Secret(given.require("key").octets, "k"),
        opc=Secret(given.octets_of("opc", b""), "opc"),
        rotations=given.octets_of("rotationConstants", _ROTATIONS),
        constants=given.octets_of("xoringConstants", _XORED),
        iterations=_iterations(given),
        sqn_options=element.octets_of("sqnOptions", _SQN_OPTIONS),
        delta=int.from_bytes(element.octets_of("sqnDelta", _DELTA), "big"),
        age_limit=int.from_bytes(element.octets_of("sqnAgeLimit", _AGE_LIMIT), "big"),
        sqn=_sequence(element.first("sqnInit")),
    )


def _iterations(given: Node) -> int:
    number = given.number_of("numberOfKeccak", 1)
    if not 1 <= number <= _MOST_ITERATIONS:
        raise EncodingError(f"numberOfKeccak: got {number}, expected 1 to {_MOST_ITERATIONS}")
    return number


def _sequence(values: Node | None) -> tuple[int, ...]:
    """Return one value for each IND: zeros where the package gives none."""
    slots = 1 << IND_BITS
    given = tuple(int.from_bytes(node.octets, "big") for node in values.children) if values else (0,) * slots
    if len(given) != slots:
        raise EncodingError(f"sqnInit: got {len(given)} values, expected {slots}")
    return given
