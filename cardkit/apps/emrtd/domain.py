"""Domain parameters and public keys of SecurityInfos as groups to calculate in (ICAO Doc 9303-11 9.4, 9.5)."""

from __future__ import annotations

from cardkit.apps.emrtd import oids
from cardkit.apps.pki import publickey
from cardkit.crypto import curves, primegroups
from cardkit.crypto.groups import DhGroup, EcGroup, Group, standardized_group
from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag
from cardkit.errors import EncodingError

_WHAT = "domain parameters"
_KEY = "public key"


def group_of(algorithm: bytes) -> Group:
    """Return the group of an AlgorithmIdentifier.

    Only groups that are known count: a chip that chooses its own could read the password off a terminal.

    :raises EncodingError: where it names none that is known.
    """
    fields = Fields(der.only(algorithm, Tag.SEQUENCE, _WHAT).value, _WHAT)
    oid = fields.oid("algorithm")
    if oid == oids.STANDARDIZED_PARAMETERS:
        return standardized_group(fields.integer("number"))
    if oid in oids.DH_KEYS:
        numbers = fields.sequence("parameters")
        known = primegroups.matching(numbers.integer("prime"), numbers.integer("generator"))
        if known is None:
            raise EncodingError(f"{_WHAT}: a prime group that is none of travel documents")
        return DhGroup(known)
    if oid != publickey.EC_PUBLIC_KEY:
        raise EncodingError(f"{_WHAT}: algorithm {oid}, expected DH or EC")
    named = fields.maybe(Tag.OID)
    if named is None:
        return EcGroup(publickey.explicit_curve(fields.take(Tag.SEQUENCE, "curve").build()))
    curve = curves.BY_OID.get(der.read_oid(named.value))
    if curve is None:
        raise EncodingError(f"{_WHAT}: a curve that is none of travel documents")
    return EcGroup(curve)


def public_key_of(key_info: bytes) -> tuple[Group, bytes]:
    """Return the group of a SubjectPublicKeyInfo, and the key as protocols have it: a point, or a value.

    :raises EncodingError: where it cannot be read, or is no key of its group.
    """
    fields = Fields(der.only(key_info, Tag.SEQUENCE, _KEY).value, _KEY)
    group = group_of(fields.take(Tag.SEQUENCE, "algorithm").build())
    key = der.read_bits(fields.take(Tag.BIT_STRING, "key").value)
    fields.end()
    if isinstance(group, DhGroup):
        number = der.read_integer(der.only(key, Tag.INTEGER, _KEY).value)
        if not 0 < number < group.prime:
            raise EncodingError(f"{_KEY}: a number that is not of {group.name}")
        key = number.to_bytes(group.size)
    group.check(key)
    return group, key


def mislabelled(key_info: bytes) -> tuple[str, str] | None:
    """Return which curve a key says it is on and which it is on, where these are two; None elsewhere.

    Met in the field: keys of brainpool curves called NIST's of the same size. 9303-11 9.5

    :param key_info: SubjectPublicKeyInfo.
    """
    try:
        fields = Fields(der.only(key_info, Tag.SEQUENCE, _KEY).value, _KEY)
        group = group_of(fields.take(Tag.SEQUENCE, "algorithm").build())
        key = der.read_bits(fields.take(Tag.BIT_STRING, "key").value)
    except EncodingError:
        return None
    if not isinstance(group, EcGroup) or len(key) != 1 + 2 * group.size:
        return None
    x, y = (int.from_bytes(half, "big") for half in (key[1 : 1 + group.size], key[1 + group.size :]))
    if group.curve.contains(x, y):
        return None
    return next(
        ((group.name, one.name) for one in curves.CURVES if one.size == group.size and one.contains(x, y)), None
    )
