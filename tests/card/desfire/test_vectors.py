"""The card answers the vectors byte for byte: cryptography, whole D40 and EV1 sessions, EV2 and LRP."""

import pytest

from cardkit.virtual import make_card
from cardkit.virtual.desfire import authenticate, crypto, lrp, tmac
from cardkit.virtual.desfire.model import Key, KeySet
from cardkit.virtual.desfire.session import Message, Mode
from cardkit.virtual.desfire.sessions_ev2 import Ev2Session
from tests.card.desfire.conftest import Fixed, Terminal, vectors

KINDS = {"DES": crypto.KeyType.TDEA2, "2TDEA": crypto.KeyType.TDEA2, "3TDEA": crypto.KeyType.TDEA3,
         "AES": crypto.KeyType.AES}  # fmt: skip
AID = "010203"


def cipher(given):
    key = bytes.fromhex(given["key"])
    return crypto.BlockCipher(key * 2 if len(key) == 8 else key, aes=given["alg"] == "AES")


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "cmac"))
def test_cmac(given, expected):
    work = cipher(given)
    assert work.cmac(bytes.fromhex(given["msg"]), work.zeros).hex() == expected["cmac"]


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "crc16-le", "crc32-le"))
def test_checksums(given, expected):
    data = bytes.fromhex(given["data"])
    found = crypto.crc16(data) if given["op"] == "crc16-le" else crypto.crc32(data + bytes.fromhex(given["status"]))
    assert found.hex() == expected["crc"]


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "d40-receive", "d40-send"))
def test_d40_is_the_other_side_of_the_host(given, expected):
    """What the host deciphers, the card has enciphered; here both are one block."""
    assert cipher(given).ecb(bytes.fromhex(expected["result"])).hex() == given["data"]


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "key-version"))
def test_key_version_in_parity_bits(given, expected):
    assert f"{Key(crypto.KeyType.TDEA2, bytes.fromhex(given['key'])).shown_version:02x}" == expected["version"]


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "padded-length"))
def test_padded_length(given, expected):
    """Without data there is still one block to MAC."""
    padded = crypto.zero_padded(bytes(given["n"]), given["block"]) or bytes(given["block"])
    assert len(padded) == expected["length"]


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "ev2-session-keys"))
def test_ev2_session_keys(given, expected):
    key, a, b = (bytes.fromhex(given[name]) for name in ("key", "RndA", "RndB"))
    keys = authenticate.ev2_keys(crypto.BlockCipher(key, aes=True), a, b)
    assert [key.hex() for key in keys] == [expected["SesAuthENC"], expected["SesAuthMAC"]]


def ev2_session(given):
    keys = tuple(bytes.fromhex(given.get(name, "00" * 16)) for name in ("SesAuthENC", "SesAuthMAC"))
    return Ev2Session(0, keys, bytes.fromhex(given["TI"]), given["CmdCtr"])


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "ev2-command-iv"))
def test_ev2_iv(given, expected):
    """A block that is the IV itself deciphers to what enciphered zeros XOR twice the IV would be."""
    session = ev2_session(given)
    block = bytes(16)
    plain = crypto.BlockCipher(bytes.fromhex(given["SesAuthENC"]), aes=True).decrypt(
        block, bytes.fromhex(expected["iv"])
    )
    assert session.deciphered(block) == plain


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "ev2-mact"))
def test_ev2_mact(given, expected):
    found = ev2_session(given).mac(bytes.fromhex(given["cmd_or_rc"]), bytes.fromhex(given["data"]))
    assert found.hex() == expected["mact"]


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "ev2-exchange"))
def test_ev2_exchange(given, expected):
    """The published command is accepted and yields the plain data; the answer is the published one."""
    session = ev2_session(given)
    mode = {"MAC": Mode.MAC, "FULL": Mode.FULL}[given["mode"]]
    header = bytes.fromhex(given["header"])
    body = bytes.fromhex(expected["command"])[5 + len(header) : -1]
    message = Message(int(given["ins"], 16), header, body, mode)
    assert session.unwrap(message, len).hex() == given["data"]
    plain = bytes.fromhex(expected["response_plain"])
    assert session.wrap(int(given["ins"], 16), plain, mode, to_end=False).hex() + "9100" == given["response"]


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "ev2-authenticate-first"))
def test_ev2_authenticate_first(given, expected):
    card = make_card("ntag424", seed=1)
    card.chip.state.random = Fixed(expected["TI"], expected["RndB"])
    card.chip.state.select(bytes.fromhex("010000"))
    assert card.transmit(bytes.fromhex(given["cmd1"])).hex() == given["rsp1"]
    assert card.transmit(bytes.fromhex(expected["cmd2"])).hex() == given["rsp2"]
    assert card.chip.state.session.ti.hex() == expected["TI"]


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "tmac-session-keys"))
def test_transaction_mac_keys(given, expected):
    key, uid = bytes.fromhex(given["AppTransactionMACKey"]), bytes.fromhex(given["UID"])
    counter = int.from_bytes(bytes.fromhex(given["sv_mac"])[5:9], "little")
    found = [tmac.tmac_key(key, bytes.fromhex(label), counter, uid).hex() for label in ("5a", "a5")]
    assert found == [expected["SesTMMAC"], expected["SesTMENC"]]


def in_session(given):
    """A card with the files the vectors name, whose randomness is theirs."""
    kind = KINDS[given["alg"]]
    terminal = Terminal(make_card("desfire-ev1", serial=bytes.fromhex("a1b2c3d4e5f6")))
    terminal.all(
        f"ca{AID}0f{3 | kind:02x}", f"5a{AID}",
        "cd010100000a0000", "cd020300000a0000", "cc0303000000000000e80300006400000000", "cd040000000a0000",
    )  # fmt: skip
    state = terminal.card.chip.state
    key = Key(kind, bytes.fromhex(given["key"]))
    state.put_key_set(0, KeySet((key, Key.zero(kind), Key.zero(kind))))
    state.journal.commit()
    state.random = Fixed(given["RndB"])
    return terminal


@pytest.mark.parametrize(("given", "expected"), vectors("desfire", "desfire-session"))
def test_session(given, expected):
    terminal = in_session(given)
    for step in expected["steps"]:
        assert terminal(step["command"]) == step["response"], step["what"]
        if "iv_after" in step:
            assert terminal.card.chip.state.session.iv.hex() == step["iv_after"], step["what"]
    keys = terminal.card.chip.state.key_set().keys
    changed = [step["new_key"] for step in expected["steps"] if "new_key" in step]
    assert [keys[1].value.hex(), keys[0].value.hex()] == changed


@pytest.mark.parametrize(("given", "expected"), vectors("lrp", "lrp-plaintexts"))
def test_lrp_plaintexts(given, expected):
    found = lrp.plaintexts(bytes.fromhex(given["key"]))
    assert {number: found[int(number)].hex() for number in expected} == expected


@pytest.mark.parametrize(("given", "expected"), vectors("lrp", "lrp-updated-keys"))
def test_lrp_updated_keys(given, expected):
    found = lrp.updated_keys(bytes.fromhex(given["key"]), 3)
    assert {number: found[int(number)].hex() for number in expected} == expected


@pytest.mark.parametrize(("given", "expected"), vectors("lrp", "lrp-eval"))
def test_lrp_eval(given, expected):
    nibbles = given["x_nibbles"]
    odd = len(nibbles) % 2 == 1
    work = lrp.Lrp(bytes.fromhex(given["key"]), given["updated_key"])
    found = work.evaluate(bytes.fromhex(nibbles + "0" * odd), odd_nibble=odd, final=given["final"])
    assert found.hex() == expected["y"]


@pytest.mark.parametrize(("given", "expected"), [*vectors("lrp", "lrp-cmac"), *vectors("ntag424_sdm", "lrp-cmac")])
def test_lrp_cmac(given, expected):
    assert lrp.Lrp(bytes.fromhex(given["key"])).cmac(bytes.fromhex(given["msg"])).hex() == expected["mac"]


@pytest.mark.parametrize(("given", "expected"), vectors("lrp", "lricb-encrypt"))
def test_lricb(given, expected):
    work = lrp.Lrp(bytes.fromhex(given["key"]), given["updated_key"])
    plain, counter = bytes.fromhex(given["plaintext"]), bytes.fromhex(given["counter"])
    padded = crypto.padded_80(plain, 16) if given["padding"] else plain
    sent = work.encrypt(padded, counter)
    assert sent.hex() == expected["ciphertext"]
    assert lrp.after(counter, len(padded) // 16).hex() == expected["counter_after"]
    assert work.decrypt(sent, counter) == padded


@pytest.mark.parametrize(("given", "expected"), vectors("lrp", "lrp-session-master"))
def test_lrp_session_keys(given, expected):
    key, a, b = (bytes.fromhex(given[name]) for name in ("key", "RndA", "RndB"))
    _, mac = authenticate.lrp_keys(key, a, b)
    assert mac.cmac(b"x") == lrp.Lrp(bytes.fromhex(expected["SesAuthMaster"])).cmac(b"x")
