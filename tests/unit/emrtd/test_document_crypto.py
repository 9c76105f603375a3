"""Keys, BAC and PACE computations of travel documents against the worked examples of Doc 9303-11 and TR-03110."""

import pytest

from cardkit.apps.emrtd.tokens import authentication_token
from cardkit.crypto.curves import CURVES
from cardkit.crypto.documentkeys import (
    MessagingKeys,
    basic_access_keys,
    basic_access_request,
    basic_access_session,
    mac,
    messaging_keys,
    mrz_secret,
    password_key,
)
from cardkit.crypto.groups import DhGroup, EcGroup, Group, KeyPair, standardized_group
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.pace import check_chip_mapping, decrypted_nonce, pseudo_random_number
from cardkit.crypto.points import add, multiply
from cardkit.crypto.secret import Secret
from cardkit.encoding.der import read_oid
from cardkit.errors import AuthenticationError, EncodingError

from .vectors import entries, entry, named


def shown(secret: Secret) -> str:
    with secret.reveal() as clear:
        return bytes(clear).hex().upper()


def secret(value: str) -> Secret:
    return Secret(bytes.fromhex(value), "test")


def name_of(cipher: str) -> str:
    return "3DES-128" if cipher == "3DES" else cipher


@pytest.mark.parametrize("case", entries("kdf", "KDF"), ids=named)
def test_keys_are_derived_as_computed_elsewhere(case: dict[str, dict[str, str]]) -> None:
    given = case["in"]
    algorithm = name_of(given["cipher"])
    shared = secret(given["shared_secret"])
    keys = messaging_keys(shared, algorithm)
    found = {1: keys.enc, 2: keys.mac, 3: password_key(shared, algorithm)}
    assert shown(found[int(given["counter"])]) == case["out"]["key"]


def test_document_basic_access_keys_are_those_of_the_worked_example() -> None:
    information, seed = entry("kdf", "D.2")
    _, wanted = entry("kdf", "D.1")
    text = Secret(information["mrz_information"].encode(), "MRZ")
    keys = basic_access_keys(text)
    assert (shown(keys.enc), shown(keys.mac)) == (wanted["kenc"], wanted["kmac"])
    assert shown(mrz_secret(text)) == seed["sha1"]


@pytest.mark.parametrize("case", entries("kdf", "PACE K_pi"), ids=named)
def test_password_keys_of_pace(case: dict[str, dict[str, str]]) -> None:
    given = case["in"]
    assert shown(password_key(secret(given["f_pi"]), name_of(given["cipher"]))) == case["out"]["k_pi"]


def test_basic_access_control_is_as_in_the_worked_example() -> None:
    given, wanted = entry("bac", "D.3")
    both = [Key(bytes.fromhex(given[name]), name, "3DES-128", Usage.SECURE_CHANNEL) for name in ("kenc", "kmac")]
    keys = MessagingKeys(*both)
    challenges, own = bytes.fromhex(given["rnd_ifd"] + given["rnd_ic"]), secret(given["k_ifd"])
    assert basic_access_request(keys, challenges, own).hex().upper() == wanted["eifd"] + wanted["mifd"]
    answer = bytes.fromhex(given["response"])
    session = basic_access_session(keys, challenges, own, answer)
    assert (shown(session.enc), shown(session.mac)) == (wanted["ks_enc"], wanted["ks_mac"])
    for at in range(len(answer)):
        with pytest.raises(AuthenticationError, match="wrong MAC"):
            basic_access_session(keys, challenges, own, answer[:at] + bytes((answer[at] ^ 1,)) + answer[at + 1 :])
    with pytest.raises(AuthenticationError, match="other challenges"):
        basic_access_session(keys, bytes(8) + challenges[8:], own, answer)
    with pytest.raises(AuthenticationError):
        basic_access_session(keys, challenges, own, answer[:-1])


def test_retail_mac_of_the_worked_example() -> None:
    given, wanted = entry("kdf", "retail MAC")
    key = Key(bytes.fromhex(given["key"]), "mac", "3DES-128", Usage.SECURE_CHANNEL)
    unpadded = bytes.fromhex(given["data"]).removesuffix(bytes.fromhex("8000000000000000"))
    assert mac(key, unpadded).hex().upper() == wanted["mac"]


def pace_example(start: str) -> tuple[dict[str, str], dict[str, str], Group]:
    """Return an example under the names of the first of them, and its group."""
    given, wanted = entry("pace", start)
    return given, wanted, standardized_group(13 if "ECDH" in start else 0)


EXAMPLES = ("EAC2 worked example PACE, ECDH", "EAC2 worked example and G.2, DH")


@pytest.mark.parametrize("start", EXAMPLES)
def test_generic_mapping_agrees_and_proves_as_in_the_worked_examples(start: str) -> None:
    given, wanted, group = pace_example(start)
    assert shown(password_key(Secret(b"123456", "CAN"), "AES-128")) == wanted["k_pi"]
    nonce = decrypted_nonce(password_key(Secret(b"123456", "CAN"), "AES-128"), bytes.fromhex(given["nonce_enc"]))
    assert shown(nonce) == given["nonce"]
    ours = KeyPair(group, int(given["map_pcd_priv_key"], 16))
    theirs = KeyPair(group, int(given["map_picc_priv_key"], 16))
    assert (ours.public.hex().upper(), theirs.public.hex().upper()) == (
        wanted["map_pcd_pub_key"], wanted["map_picc_pub_key"],
    )  # fmt: skip
    mapped = ours.mapped(nonce, theirs.public)
    assert isinstance(mapped, EcGroup | DhGroup)
    assert mapped.public(1).hex().upper() == wanted["map_generator"]
    assert theirs.mapped(nonce, ours.public).public(1) == mapped.public(1)
    pair = KeyPair(mapped, int(given["pcd_priv_key"], 16))
    chip = bytes.fromhex(wanted["picc_pub_key"])
    assert pair.public.hex().upper() == wanted["pcd_pub_key"]
    shared = pair.agree(chip)
    assert shown(shared) == wanted["shared_secret_k"]
    keys = messaging_keys(shared, "AES-128")
    assert (shown(keys.enc), shown(keys.mac)) == (wanted["k_enc"], wanted["k_mac"])
    oid = read_oid(bytes.fromhex(given["oid"]))
    tokens = [authentication_token(keys.mac, oid, group, public).hex().upper() for public in (chip, pair.public)]
    assert tokens == [wanted["authentication_token_pcd"], wanted["authentication_token_picc"]]


def test_integrated_mapping_on_a_curve_is_as_in_the_worked_example() -> None:
    given, wanted = entry("pace", "H.1")
    group = standardized_group(13)
    number = pseudo_random_number("AES-128", secret(given["s"]), bytes.fromhex(given["t"]), group.prime)
    assert f"{number:064X}" == wanted["Rp"]
    assert group.with_number(number).public(1).hex().upper() == "04" + wanted["Gx"] + wanted["Gy"]


def test_integrated_mapping_in_a_prime_group_is_as_in_the_worked_example() -> None:
    given, wanted = entry("pace", "H.2")
    group = standardized_group(0)
    assert isinstance(group, DhGroup)
    assert [f"{number:X}" for number in (group.group.p, group.group.g, group.group.q)] == [
        given[name] for name in ("p", "g", "q")
    ]
    number = pseudo_random_number("AES-128", secret(given["s"]), bytes.fromhex(given["t"]), group.prime)
    assert f"{number:X}" == wanted["Rp"]
    assert group.with_number(number).public(1).hex().upper() == wanted["mapped_generator"]


def test_integrated_mapping_needs_a_long_nonce_and_a_prime_that_suits() -> None:
    with pytest.raises(EncodingError, match="needs 32"):
        pseudo_random_number("AES-256", Secret(bytes(16), "nonce"), bytes(32), 7)
    with pytest.raises(EncodingError, match="P-224"):
        standardized_group(10).with_number(5)
    for number in (0, 1):
        with pytest.raises(EncodingError):
            standardized_group(12).with_number(number)
        with pytest.raises(EncodingError):
            standardized_group(2).with_number(number)


@pytest.mark.parametrize("parameter_id", [8, 9, 11, 12, 13, 14, 15, 16, 17, 18])
def test_numbers_are_encoded_to_points_of_the_curve(parameter_id: int) -> None:
    group = standardized_group(parameter_id)
    assert isinstance(group, EcGroup)
    for number in range(2, 12):
        mapped = group.with_number(number)
        assert isinstance(mapped, EcGroup)
        assert group.curve.contains(*mapped.generator)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_multiples_follow_the_laws_of_a_group(curve: object) -> None:
    base = (curve.x, curve.y)
    assert multiply(curve, curve.n, base) is None
    assert multiply(curve, curve.n - 1, base) == (curve.x, curve.p - curve.y)
    assert multiply(curve, 0, base) is None
    five, seven = multiply(curve, 5, base), multiply(curve, 7, base)
    assert add(curve, five, seven) == multiply(curve, 12, base)
    assert add(curve, five, None) == five
    assert add(curve, five, five) == multiply(curve, 10, base)
    assert add(curve, five, multiply(curve, curve.n - 5, base)) is None


@pytest.mark.parametrize("parameter_id", [12, 13, 2])
def test_public_keys_that_are_none_are_refused(parameter_id: int) -> None:
    group = standardized_group(parameter_id)
    pair = KeyPair(group, 3)
    size = len(pair.public)
    p = group.prime.to_bytes(group.size)
    bad = [b"", bytes(size), pair.public[:-1], pair.public + b"\0", pair.public[:-1] + bytes((pair.public[-1] ^ 1,))]
    bad += [b"\x04" + p + pair.public[1 + group.size :], b"\x02" + pair.public[1:]] if size > group.size else []
    bad += [p, (group.prime - 1).to_bytes(group.size), (1).to_bytes(group.size)] if size == group.size else []
    for public in bad:
        with pytest.raises(EncodingError, match="public key on"):
            pair.agree(public)


@pytest.mark.parametrize("parameter_id", [3, 7, 19, 255])
def test_reserved_domain_parameters_are_refused(parameter_id: int) -> None:
    with pytest.raises(EncodingError, match="reserved"):
        standardized_group(parameter_id)


@pytest.mark.parametrize(("algorithm", "size"), [("3DES-128", 8), ("3DES-128", 24), ("AES-128", 32), ("AES-256", 16)])
def test_a_nonce_has_as_many_blocks_as_the_chip_likes(algorithm: str, size: int) -> None:
    """OpenPACE's card sends 8 bytes with 3DES: ICAO Doc 9303-11 4.4.3.3 wants a multiple of the block, no more."""
    assert len(decrypted_nonce(password_key(Secret(b"123456", "CAN"), algorithm), bytes(size))) == size


@pytest.mark.parametrize(("algorithm", "size"), [("AES-128", 24), ("3DES-128", 12), ("AES-256", 80), ("AES-128", 0)])
def test_nonces_of_another_size_are_refused(algorithm: str, size: int) -> None:
    with pytest.raises(EncodingError, match="encrypted nonce"):
        decrypted_nonce(password_key(Secret(b"123456", "CAN"), algorithm), bytes(size))


@pytest.mark.parametrize("case", entries("eac", "chip authentication version 2"), ids=named)
def test_chip_authentication_version_2_is_as_in_the_worked_examples(case: dict[str, dict[str, str]]) -> None:
    given, wanted = case["in"], case["out"]
    group = standardized_group(13 if "ECDH" in str(case["name"]) else 0)
    pair = KeyPair(group, int(given["ca_pcd_priv_key"], 16))
    assert pair.public.hex().upper() == wanted["ca_pcd_pub_key"]
    shared = pair.agree(bytes.fromhex(wanted["ca_picc_pub_key"]))
    assert shown(shared) == wanted["ca_shared_secret_k"]
    keys = messaging_keys(shared, "AES-128", bytes.fromhex(given["ca_nonce"]))
    assert (shown(keys.enc), shown(keys.mac)) == (wanted["ca_k_enc"], wanted["ca_k_mac"])
    token = authentication_token(keys.mac, read_oid(bytes.fromhex(given["oid"])), group, pair.public)
    assert token.hex().upper() == wanted["ca_picc_token"]


def test_chip_authentication_data_of_pace_prove_the_signed_key() -> None:
    from cardkit.crypto.cbc import CbcEncryptor
    from cardkit.crypto.mac import pad80

    group = standardized_group(12)
    assert isinstance(group, EcGroup)
    static, mapping = 0x1234567, 0x7654321
    data = pow(static, -1, group.order) * mapping % group.order
    keys = messaging_keys(Secret(b"agreed", "test"), "AES-128")
    encryptor = CbcEncryptor("AES", bytes.fromhex(shown(keys.enc)))
    encrypted = CbcEncryptor("AES", bytes.fromhex(shown(keys.enc))).encrypt(
        pad80(data.to_bytes(32), 16), encryptor.encrypt(b"\xff" * 16)
    )
    chip, mapped = KeyPair(group, static).public, KeyPair(group, mapping).public
    check_chip_mapping(keys, encrypted, chip, mapped, group)
    for bad in ((encrypted, KeyPair(group, 5).public, mapped), (encrypted, chip, chip), (encrypted[:-1], chip, mapped)):
        with pytest.raises(AuthenticationError, match="PACE-CAM"):
            check_chip_mapping(keys, *bad, group)


def test_a_key_pair_shows_nothing() -> None:
    pair = standardized_group(12).key_pair(lambda size: bytes(range(size)))
    assert repr(pair) == "<key pair on P-256>"
    assert not hasattr(pair, "__dict__")
