"""Card keys from master keys: vectors of other people's tools, and what does not fit together is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, Role, Scheme, parse_key_set
from cardkit.crypto.diversify import derived_algorithm, diversify
from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.crypto.statickey import ClearKey
from cardkit.crypto.template import Template
from cardkit.errors import KeyStoreError

FOLDER = Path(__file__).parents[2] / "vectors"
GP_KEYS = json.loads((FOLDER / "gp_keys.json").read_text(encoding="utf-8"))
CPS = json.loads((FOLDER / "cps_kdf.json").read_text(encoding="utf-8"))
AN10922 = json.loads((FOLDER / "an10922.json").read_text(encoding="utf-8"))
GP_KEY = bytes(range(0x40, 0x50))
KDD = bytes(range(10))


def static(algorithm, value):
    return ClearKey(Key(value, "master", algorithm, Usage.MASTER_DERIVE))


def aes(size=16):
    return static(f"AES-{8 * size}", bytes(range(0x40, 0x40 + size)))


DES = static("3DES-128", GP_KEY)
ENC = CardKey("plant:kmc", Scheme.EMV, KDD, Role.ENC)


def card_key(scheme, kdd=KDD, role=Role.ENC, template=""):
    return CardKey("plant:kmc", scheme, kdd, role, template)


def cases():
    for vector in GP_KEYS:
        if vector["category"] != "diversification":
            continue
        scheme = Scheme(vector["in"]["scheme"].split()[0].lower())
        expected = vector["out"].get("keys", vector["out"])
        if "value" in expected:
            expected = {"enc": expected["value"]}
        for role in Role:
            if role in expected:
                yield pytest.param(vector["in"], scheme, role, expected[role], id=f"{vector['name']}-{role}")


def master_of(given, scheme):
    value = bytes.fromhex(given["master"])
    return static(f"{'AES' if scheme is Scheme.KDF3 else '3DES'}-{8 * len(value)}", value)


@pytest.mark.parametrize(("given", "scheme", "role", "expected"), list(cases()))
def test_published_card_keys(given, scheme, role, expected):
    key = card_key(scheme, bytes.fromhex(given["kdd"]), role)

    assert expected == diversify(master_of(given, scheme), key).hex().upper()


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in CPS])
def test_kmc_derivation_of_emv_cps(vector):
    scheme = Scheme.VISA2 if "visa2" in vector["name"] else Scheme.EMV
    role = list(Role)[int(vector["in"]["constant"]) - 1]
    derived = diversify(
        static("3DES-128", bytes.fromhex(vector["in"]["kmc"])),
        card_key(scheme, bytes.fromhex(vector["in"]["keydata"]), role),
    )

    assert vector["out"]["key"] == derived.hex().upper()
    assert vector["out"]["kcv"] == kcv("3DES", derived, KCVMethod.ZERO)


def test_visa2_keys_of_a_recorded_card():
    recorded = json.loads((FOLDER / "gp_sessions.json").read_text(encoding="utf-8"))
    keys = next(v for v in recorded if v["name"] == "scp01-i05-visa2-auth")["in"]["keys"]
    kdd = bytes.fromhex(keys["kdd"])

    assert keys["diversified"] == {
        role.value: diversify(DES, card_key(Scheme.VISA2, kdd, role)).hex().upper() for role in Role
    }


def test_visa_takes_the_first_four_and_the_last_two_bytes():
    expected = DES.ecb(bytes.fromhex("00010203 0809 F003 00010203 0809 0F03"))

    assert expected == diversify(DES, card_key(Scheme.VISA, role=Role.DEK))


ALGORITHMS = {"AES128": "AES-128", "2TDEA": "3DES-128", "3TDEA": "3DES-192"}


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in AN10922 if v["in"]["op"] == "diversify"])
def test_an10922(vector):
    given = vector["in"]
    key = CardKey("plant:desfire", Scheme.AN10922, bytes.fromhex(given["M"]))
    derived = diversify(static(ALGORITHMS[given["alg"]], bytes.fromhex(given["master"])), key)

    assert vector["out"]["diversified"] == derived.hex()


@pytest.mark.parametrize("vector", [v for v in AN10922 if v["in"]["op"] == "diversify-legacy-plain-cmac"])
def test_plain_cmac_of_old_libraries(vector):
    given = vector["in"]
    key = CardKey("plant:desfire", Scheme.PLAIN_CMAC, bytes.fromhex(given["M"]))

    assert vector["out"]["diversified"] == diversify(static("AES-128", bytes.fromhex(given["master"])), key).hex()
    with pytest.raises(KeyStoreError, match="expected AES"):
        diversify(DES, key)


def test_an10922_over_two_whole_blocks_is_the_cmac_of_them():
    """31 bytes after the constant fill both blocks: no padding, the other subkey; as the standard's CMAC has it."""
    m = bytes(range(31))

    assert aes().cmac(b"\x01" + m) == diversify(aes(), card_key(Scheme.AN10922, m))
    assert aes().cmac(b"\x01" + m[:30]) == diversify(aes(), card_key(Scheme.AN10922, m[:30]))
    assert DES.cmac(b"\x21" + m[:15]) + DES.cmac(b"\x22" + m[:15]) == diversify(DES, card_key(Scheme.AN10922, m[:15]))


def test_an10922_for_longer_aes_keys():
    m = bytes(range(20))
    a, b = aes(24).cmac(b"\x11" + m), aes(24).cmac(b"\x12" + m)
    middle = bytes(x ^ y for x, y in zip(a[8:], b[:8], strict=True))

    assert a[:8] + middle + b[8:] == diversify(aes(24), card_key(Scheme.AN10922, m))
    assert aes(32).cmac(b"\x41" + m) + aes(32).cmac(b"\x42" + m) == diversify(aes(32), card_key(Scheme.AN10922, m))


TEMPLATES = {
    Scheme.EMV: "$4$5$6$7$8$9 F0$k $4$5$6$7$8$9 0F$k",
    Scheme.VISA2: "$0$1$4$5$6$7 F0$k $0$1$4$5$6$7 0F$k",
    Scheme.VISA: "$0$1$2$3$8$9 f0$k $0$1$2$3$8$9 0f$k",
    Scheme.KDF3: "$_ 000000 $k 00 $0$1$2$3$4$5$6$7$8$9",
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("scheme", TEMPLATES)
@pytest.mark.parametrize("size", [16, 24, 32])
def test_template_says_the_same_as_the_named_scheme(scheme, role, size):
    if scheme is not Scheme.KDF3 and size == 32:
        return
    master = aes(size) if scheme is Scheme.KDF3 else static(f"3DES-{8 * size}", bytes(range(0x50, 0x50 + size)))
    by_template = card_key(Scheme.TEMPLATE, role=role, template=TEMPLATES[scheme])

    assert diversify(master, card_key(scheme, role=role)) == diversify(master, by_template)


def test_template_tokens():
    template = Template.parse("$_ AB $k $f $l$l")

    assert template.counted
    assert template.expand(bytes(range(16)), 3, counter=2, bits=256).hex() == "02ab030f0100"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected hex pairs"),
        ("$g", "expected hex pairs"),
        ("$_ 0", "expected hex pairs"),
        ("$_ $l", "expected hex pairs"),
        ("$0" * 15, "must give 16 bytes"),
        ("$0" * 17, "must give 16 bytes"),
        ("$l$l" + "00" * 15, "must give 16 bytes and hold no"),
    ],
)
def test_wrong_template_is_refused(text, message):
    with pytest.raises(KeyStoreError, match=message):
        Template.parse(text)


@pytest.mark.parametrize(
    ("master", "key", "message"),
    [
        (aes(), ENC, "diversification emv: AES-128 master key, expected 3DES"),
        (aes(), card_key(Scheme.VISA2), "diversification visa2: AES-128 master key, expected 3DES"),
        (DES, card_key(Scheme.KDF3), "diversification kdf3: 3DES-128 master key, expected AES"),
        (DES, replace(ENC, role=None), "needs a role"),
        (aes(), card_key(Scheme.KDF3, role=None), "needs a role"),
        (DES, replace(ENC, data=KDD[:9]), "over 9 bytes, expected 10"),
        (aes(), card_key(Scheme.KDF3, KDD + b"\0"), "over 11 bytes, expected 10"),
        (DES, replace(ENC, scheme=Scheme.NONE), "nothing to diversify"),
        (aes(), card_key(Scheme.AN10922, b""), "over 0 bytes, expected 1 to 31"),
        (aes(), card_key(Scheme.AN10922, bytes(32)), "over 32 bytes, expected 1 to 31"),
        (DES, card_key(Scheme.AN10922, bytes(16)), "over 16 bytes, expected 1 to 15"),
        (aes(), card_key(Scheme.TEMPLATE, template="$0" * 16), "without counter works with 3DES"),
        (DES, card_key(Scheme.TEMPLATE, template="$_$0"), "with a counter works with AES"),
        (aes(), card_key(Scheme.TEMPLATE, template="$_$a"), r"\$a asks for byte 10 of 10"),
    ],
)
def test_what_does_not_fit_together_is_refused(master, key, message):
    with pytest.raises(KeyStoreError, match=message):
        diversify(master, key)


@pytest.mark.parametrize(
    ("master", "scheme", "expected"),
    [("3DES-192", Scheme.EMV, "3DES-128"), ("3DES-192", Scheme.TEMPLATE, "3DES-128"),
     ("AES-256", Scheme.KDF3, "AES-256"),
     ("AES-192", Scheme.TEMPLATE, "AES-192"), ("3DES-192", Scheme.AN10922, "3DES-192"),
     ("AES-192", Scheme.AN10922, "AES-192")],
)  # fmt: skip
def test_algorithm_of_the_card_key(master, scheme, expected):
    assert expected == derived_algorithm(master, scheme)


@pytest.mark.parametrize(
    ("text", "kvn", "references", "scheme", "template"),
    [
        ("test:gp-default", 0, ["test:gp-default"] * 3, Scheme.NONE, ""),
        ("0=test:gp-default", 0, ["test:gp-default"] * 3, Scheme.NONE, ""),
        ("30=plant:kmc/kdf3", 0x30, ["plant:kmc"] * 3, Scheme.KDF3, ""),
        ("ff=a:1,b:2,c:3/emv", 0xFF, ["a:1", "b:2", "c:3"], Scheme.EMV, ""),
        ("20=file:e,file:m,file:d", 0x20, ["file:e", "file:m", "file:d"], Scheme.NONE, ""),
        ("01=a:b/template:$_$k $0=/", 1, ["a:b"] * 3, Scheme.TEMPLATE, "$_$k $0=/"),
    ],
)
def test_key_set_text(text, kvn, references, scheme, template):
    spec = parse_key_set(text)

    assert [kvn, *references] == [spec.kvn, spec.enc, spec.mac, spec.dek]
    assert [scheme, template] == [spec.scheme, spec.template]
    assert spec == parse_key_set(str(spec))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected"),
        ("gp-default", "expected"),
        ("100=test:a", "expected"),
        ("g=test:a", "expected"),
        ("30=test:a,test:b", "2 keys, expected 1 or 3"),
        ("30=test:a,test:b,test:c,test:d", "expected"),
        ("30=test:a/des", "scheme 'des', expected one of none, emv"),
        ("30=test:a/template", "template:TEXT has a text"),
        ("30=test:a/kdf3:$_", "other schemes have none"),
        ("30=test:a ", "expected"),
    ],
)
def test_wrong_key_set_text_is_refused(text, message):
    with pytest.raises(KeyStoreError, match=message):
        parse_key_set(text)


def test_key_set_of_a_card():
    keys = parse_key_set("30=a:e,a:m,a:d/kdf3").for_card(KDD)

    assert keys.kvn == 0x30
    assert [keys.enc, keys.mac, keys.dek] == [
        CardKey(f"a:{role.value[0]}", Scheme.KDF3, KDD, role) for role in Role
    ]  # fmt: skip
    assert parse_key_set("a:e").for_card(KDD).dek == CardKey("a:e", Scheme.NONE, b"", Role.DEK)


def test_store_derives_card_keys_by_their_set():
    store = MemoryKeyStore({"plant:kmc": Key(GP_KEY, "kmc", "AES-128", Usage.MASTER_DERIVE)})
    keys = parse_key_set("30=plant:kmc/kdf3").for_card(KDD)
    expected = next(v for v in GP_KEYS if v["name"] == "diversify-kdf3-aes128")["out"]["kcv"]

    assert expected == {
        role: store.card_key_kcv(key).hex().upper()
        for role, key in zip(("enc", "mac", "dek"), (keys.enc, keys.mac, keys.dek), strict=True)
    }


@pytest.mark.parametrize("size", [16, 24, 32])
def test_template_with_a_length_in_bits(size):
    key = card_key(Scheme.TEMPLATE, role=Role.MAC, template="$_ $k $l$l $9")
    tail = b"\x02" + (8 * size).to_bytes(2, "big") + b"\x09"
    expected = b"".join(aes(size).cmac(bytes((counter,)) + tail) for counter in (1, 2))[:size]

    assert expected == diversify(aes(size), key)
