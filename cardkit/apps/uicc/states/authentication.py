"""Which algorithm each key file of a product holds, whether the chip can do it, and what is written there.

TS 35.206 (Milenage), 35.231 (TUAK), 34.108 8.1.2 (XOR), 51.010-1 A.4.1.2 (XOR for 2G); COMP128 has no standard.
"""

from __future__ import annotations

from cardkit.apps.uicc.codecs.cardmodel import auth_key_config
from cardkit.apps.uicc.schema import AuthBlock, KeySlot
from cardkit.apps.uicc.sqn import SqnPolicy, next_sqn
from cardkit.apps.uicc.states.chip import Chip
from cardkit.crypto import Secret
from cardkit.crypto.aka import STANDARD, MilenageConstants, checked, milenage_opc
from cardkit.crypto.tuak import KEY_SIZES, TOP_BYTES, TuakParameters, tuak_topc
from cardkit.desired import Content
from cardkit.errors import EncodingError, ProfileError

# Names of the card model's codes.
CODES = {
    "milenage": "Milenage",
    "tuak": "TUAK",
    "xor": "XOR",
    "comp128v1": "COMP128v1",
    "comp128v2": "COMP128v2",
    "comp128v3": "COMP128v3",
    "xor-2g": "XOR-2G",
}
AKA = ("milenage", "tuak", "xor")
WITH_OPC = {"milenage": 16, "tuak": TOP_BYTES}
KEY_BYTES = 16
RES_BYTES = {"milenage": 8, "xor": 16}
# Second configuration byte of TUAK: CK and IK of 256 bits; RES 32, 64, 128, 256 bits as 0 to 3; MAC of 64 bits is 0.
TUAK_256 = 0x40
TUAK_RES = {32: 0, 64: 1, 128: 2}


def algorithm_in(auth: AuthBlock, slot: KeySlot) -> str:
    """Return the algorithm of one key file."""
    return auth.gsm_algorithm or auth.algorithm if slot.proof == "gsm" else auth.algorithm


def check_auth(auth: AuthBlock, chip: Chip, *, answers_kc: bool) -> None:
    """Check what a profile asks for against itself and against what the chip can do.

    :param answers_kc: whether the USIM adds Kc to its answers.  :raises ProfileError: naming the entry.
    """
    used = {place: algorithm_in(auth, slot) for place, slot in chip.keys.items()}
    for place, name in used.items():
        _check_slot(place, chip.keys[place], name)
    if "comp128v1" in used.values() and "comp128v1" not in auth.accept:
        raise ProfileError('uicc.auth: comp128v1 gives Ki away; who must have it says accept = ["comp128v1"]')
    if auth.gsm_algorithm and auth.gsm_algorithm not in used.values():
        raise ProfileError(f"uicc.auth.gsm_algorithm: no key file of this chip is for {auth.gsm_algorithm}")
    _check_operator(auth)
    homeless = not chip.block.constants and chip.block.store_data is None
    if auth.milenage is not None and (auth.algorithm != "milenage" or homeless):
        raise ProfileError("uicc.auth.milenage: this chip has no file for constants, or the algorithm is another one")
    answers_2g = answers_kc or any(chip.keys[place].proof == "gsm" and name == "tuak" for place, name in used.items())
    if auth.tuak.key_bits != 128 and answers_2g:
        raise ProfileError(
            "uicc.auth.tuak.key_bits: there is no Kc for CK and IK of 256 bits, and the card has to give it"
        )
    _check_sequence(auth)


def _check_slot(place: str, slot: KeySlot, name: str) -> None:
    if slot.proof == "aka" and name not in AKA:
        raise ProfileError(f"uicc.auth.algorithm: {name} is for 2G only, {place} needs one of {', '.join(AKA)}")
    if name not in slot.algorithms:
        raise ProfileError(f"uicc.auth: {name} in {place}: this chip does {', '.join(slot.algorithms)} there")
    if name == "tuak" and not slot.file and not slot.preloaded:
        raise ProfileError(f"chip.uicc.keys.{place}.algorithms: tuak by STORE DATA is not supported")


def _check_operator(auth: AuthBlock) -> None:
    given = [name for name in ("opc", "op") if getattr(auth, name)]
    if auth.algorithm in WITH_OPC and len(given) != 1:
        raise ProfileError(f"uicc.auth: {auth.algorithm} needs opc or op, got {' and '.join(given) or 'neither'}")
    if auth.algorithm not in WITH_OPC and given:
        raise ProfileError(f"uicc.auth.{given[0]}: {auth.algorithm} has no such key")


def _check_sequence(auth: AuthBlock) -> None:
    try:
        policy_of(auth)
        next_sqn(auth.sqn_start, auth.ind, auth.ind_bits)
        checked("amf", bytes.fromhex(auth.amf), 2)
        constants_of(auth)
    except EncodingError as error:
        raise ProfileError(f"uicc.auth: {error}") from None
    except ValueError:
        raise ProfileError("uicc.auth: amf and the constants of Milenage must be hexadecimal digits") from None


def policy_of(auth: AuthBlock) -> SqnPolicy:
    """Return which sequence numbers the card takes."""
    return SqnPolicy(auth.ind_bits, auth.delta, auth.age_limit)


def constants_of(auth: AuthBlock) -> MilenageConstants:
    """Return the operator's constants, or the standard ones."""
    if auth.milenage is None:
        return STANDARD
    return MilenageConstants(auth.milenage.r, tuple(bytes.fromhex(value) for value in auth.milenage.c))


def parameters_of(auth: AuthBlock) -> TuakParameters:
    """Return the sizes of TUAK."""
    bits, size = auth.tuak.res_bits, auth.tuak.key_bits
    return TuakParameters(res_bits=bits, ck_bits=size, ik_bits=size, iterations=auth.tuak.iterations)


def answer_bytes(auth: AuthBlock, *, kc: bool) -> int:
    """Return how long the answer to a fresh challenge is: DB 08 RES 10 CK 10 IK [08 Kc]. TS 31.102 7.1.2.1"""
    tuak = auth.algorithm == "tuak"
    res = auth.tuak.res_bits // 8 if tuak else RES_BYTES[auth.algorithm]
    key = auth.tuak.key_bits // 8 if tuak else 16
    return 1 + 1 + res + 2 * (1 + key) + (9 if kc else 0)


def operator_key(auth: AuthBlock, k: Secret, given: Secret | None) -> Secret | None:
    """Return OPc or TOPc, computed where the record has OP or TOP.

    :param given: the record's, None where the algorithm has none.  :raises EncodingError: on another length.
    """
    if given is None or not auth.op:
        return given
    return tuak_topc(k, given, auth.tuak.iterations) if auth.algorithm == "tuak" else milenage_opc(k, given)


# Files


def key_file(auth: AuthBlock, algorithm: str, k: Secret, opc: Secret | None) -> Content:
    """Return configuration, K and OPc: 33 bytes; for TUAK configuration 3, TOPc 32 and K: 51 or 67.

    What has no OPc has zeros in its place.

    :raises EncodingError: when a key has another length.
    """
    variant = auth.sres_variant if algorithm in AKA else 1
    if opc is not None and algorithm in WITH_OPC:
        checked(opc.name, opc, WITH_OPC[algorithm])
    if algorithm == "tuak" and opc is not None:
        checked(k.name, k, *KEY_SIZES)
        config = auth_key_config(CODES[algorithm], sres_variant=variant, short_res=len(k) == KEY_SIZES[1])
        sizes = (TUAK_256 if auth.tuak.key_bits == 256 else 0) | TUAK_RES[auth.tuak.res_bits]
        return (bytes((config, sizes, auth.tuak.iterations)), opc, k)
    checked(k.name, k, KEY_BYTES)
    with_opc = algorithm in WITH_OPC and opc is not None
    config = auth_key_config(CODES[algorithm], opc=with_opc, sres_variant=variant)
    return (bytes((config,)), k, opc if with_opc and opc is not None else bytes(KEY_BYTES))


def options_of(auth: AuthBlock, algorithm: str) -> int:
    """Return the options byte of the grouping that names the algorithm, its bits as in a key file."""
    return auth_key_config(CODES[algorithm], opc=False, sres_variant=auth.sres_variant) & 0xF0


def keys_in(algorithm: str, content: Content) -> tuple[Secret, Secret | None]:
    """Return K, and OPc or TOPc if it has one, of a key file's content."""
    first, *others = (part for part in content if isinstance(part, Secret))
    if not others:
        return first, None
    return (others[0], first) if algorithm == "tuak" else (first, others[0])


def constants_file(auth: AuthBlock) -> bytes:
    """Return r1 to r5 and c1 to c5: 85 bytes."""
    constants = constants_of(auth)
    return bytes(constants.rotations) + b"".join(constants.additions)
