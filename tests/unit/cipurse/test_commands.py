"""Every command of three syntaxes against what the terminal library sends."""

import pytest

from cardkit.apps.cipurse import commands as c
from cardkit.apps.cipurse.access import Security
from cardkit.apps.cipurse.attributes import EfAttributes, FileType
from cardkit.apps.iso7816 import commands as iso
from cardkit.crypto import Key, Secret, Usage
from cardkit.crypto.cipurse import enciphered
from cardkit.errors import EncodingError

from .vectors import entries, named

CASES = entries("command")
NO_CARD_TAKES = ("the library sends the keys in clear", "a card refuses this with 6A80")
"""What the library sends and nobody should: keys in clear that are said to be enciphered, keys without rules."""
KINDS = {"L": 0x20, "S": 0x40, "T": 0x60}


def key(text):
    return Key(bytes.fromhex(text), "test", "AES-128", Usage.CARD_KEY)


def security(told):
    if told is None:
        return None
    found = Security(bytes.fromhex(told["smr"]), bytes.fromhex("".join(told["art"])))
    assert found.keys == told["n_keys"]
    return found


def loading(told, above=None):
    value = bytes.fromhex(told["key"])
    sealed = Secret(value, "key") if above is None else enciphered(key(told["key"]), key(above))
    return c.KeyToLoad(sealed, bytes.fromhex(told["kvv"]), int(told["add_info"], 16), int(told["sec_attr"], 16))


def ef(told, rules):
    fields = (int(told["fd"], 16), told["sfid"], int(told["fid"], 16), told["size"], told["n_recs"], told["rec_size"])
    return EfAttributes(*fields, security(rules))


def directory(told):
    profile = KINDS.get(told.get("profile", ""), 0)
    return c.NewDirectory(
        FileType(int(told["fd"], 16)),
        profile | 2 * told.get("auto_select", False) | told.get("returns_fcp", False),
        int(told["fid"], 16),
        told["n_efs"],
        told["n_sfids"],
        bytes.fromhex(told["aid"]),
        bytes.fromhex(told.get("pxse_aid", "")),
        bytes.fromhex(told.get("tag86", "")),
    )


def create_adf(syntax, told):
    keys = [loading(one, told.get("enc_key")) for one in told.get("keys", ())]
    rules = security(told.get("security"))
    assert len(keys) == told["adf"]["n_keys"] or rules is None
    return c.create_directory(syntax, directory(told["adf"]), rules, keys, told["adf"]["enc_key_no"])


def update_key(syntax, told):
    value = bytes.fromhex(told["key"])
    sealed = enciphered(key(told["key"]), key(told["enc_key"])) if "enc_key" in told else Secret(value, "key")
    loaded = c.KeyToLoad(sealed, bytes.fromhex("c6a13b"), int(told["add_info"], 16), 2)
    return c.update_key(told["key_no"], loaded, told["enc_key_no"])


def ne(told, default=0):
    return (told["le"] or 256) if "le" in told else default


def p2(told):
    return int(told.get("p2", "0"), 16)


def read_record(_, told):
    if told["mode"] == 5:
        return c.read_records(told["record"], told.get("sfid", 0), ne(told))
    return iso.read_record(told["record"], ne(told), told.get("sfid"))


def change_value(ins):
    def made(_, told):
        return c.change_value(ins, told["record"], int(told["value"], 16), told.get("sfid", 0), ne(told))

    return made


MADE = {
    "SELECT": lambda _, told: c.select_mf(),
    "SELECT MF": lambda _, told: c.select_mf(p2(told), ne(told)),
    "SELECT FID": lambda _, told: c.select_file(int(told["fid"], 16), p2(told), ne(told)),
    "SELECT AID": lambda _, told: c.select_application(bytes.fromhex(told["aid"]), p2(told), ne(told)),
    "READ FILE ATTRIBUTES": lambda _, told: c.read_file_attributes(),
    "UPDATE FILE ATTRIBUTES": lambda syntax, told: c.update_file_attributes(
        syntax, security(told["security"]), bytes.fromhex(told.get("tag86", ""))
    ),
    "UPDATE KEY": update_key,
    "UPDATE KEY ATTRIBUTES": lambda _, told: c.update_key_attributes(told["key_no"], int(told["sec_attr"], 16)),
    "ACTIVATE FILE": lambda _, told: c.activate(),
    "DEACTIVATE FILE": lambda _, told: c.deactivate(),
    "READ BINARY": lambda _, told: iso.read_binary(told["offset"], ne(told), told.get("sfid")),
    "UPDATE BINARY": lambda _, told: iso.update_binary(told["offset"], bytes.fromhex(told["data"]), told.get("sfid")),
    "READ RECORD": read_record,
    "UPDATE RECORD": lambda _, told: iso.update_record(told["record"], bytes.fromhex(told["data"]), told.get("sfid")),
    "APPEND RECORD": lambda _, told: c.append_record(bytes.fromhex(told["data"]), told.get("sfid", 0)),
    "READ VALUE": lambda _, told: c.read_value(told["record"], told.get("sfid", 0), ne(told)),
    "INCREASE VALUE": change_value(c.CipurseIns.INCREASE_VALUE),
    "DECREASE VALUE": change_value(c.CipurseIns.DECREASE_VALUE),
    "PERFORM TRANSACTION": lambda _, told: c.perform_transaction(),
    "CANCEL TRANSACTION": lambda _, told: c.cancel_transaction(),
    "DELETE FILE": lambda _, told: c.delete_current(),
    "DELETE FILE FID": lambda _, told: c.delete_file(int(told["fid"], 16)),
    "DELETE FILE AID": lambda _, told: c.delete_application(bytes.fromhex(told["aid"])),
    "FORMAT ALL": lambda _, told: c.format_all(),
    "CREATE FILE EF": lambda syntax, told: c.create_file(syntax, ef(told["ef"], told.get("security"))),
    "CREATE FILE ADF": create_adf,
    "CREATE FILE PxSE": lambda syntax, told: c.create_directory(syntax, directory(told["adf"])),
}


def refused(case):
    return any(text in case["in"].get("note", "") for text in NO_CARD_TAKES)


@pytest.mark.parametrize("case", [case for case in CASES if not refused(case)], ids=named)
def test_command_is_the_one_the_library_sends(case):
    told = case["in"]
    assert MADE[told["command"]](c.Syntax[told["syntax"]], told).encode().hex() == case["out"]["apdu"]


def test_every_vector_is_used_and_six_are_for_no_card():
    assert {case["in"]["command"] for case in CASES} == set(MADE)
    assert (len(CASES), sum(map(refused, CASES))) == (189, 6)


@pytest.mark.parametrize("case", [case for case in CASES if "in clear" in case["in"].get("note", "")], ids=named)
def test_keys_in_clear_are_not_called_enciphered(case):
    with pytest.raises(EncodingError, match="got the opposite"):
        MADE[case["in"]["command"]](c.Syntax[case["in"]["syntax"]], case["in"])


@pytest.mark.parametrize("syntax", c.Syntax)
def test_keys_without_rules_are_not_sent(syntax):
    told = next(case["in"] for case in CASES if "keys" in case["in"] and case["in"]["syntax"] == syntax.name)
    with pytest.raises(EncodingError, match="rules for another number"):
        create_adf(syntax, {**told, "security": None})


@pytest.mark.parametrize("case", entries("encrypt-key"), ids=named)
def test_key_under_a_key(case):
    assert enciphered(key(case["in"]["key"]), key(case["in"]["enc_key"])).hex() == case["out"]["cryptogram"]


@pytest.mark.parametrize("case", entries("version-probe"), ids=named)
def test_version_probe(case):
    assert c.select_file(c.ID_INFO).encode().hex() == case["out"]["apdu"]


def test_a_key_update_shows_no_key():
    shown = repr(c.update_key(2, c.KeyToLoad(Secret(bytes(range(16)), "key 2"), b"\xc6\xa1\x3b", 1, 2)))
    assert "000102" not in shown
    assert "<Secret key 2, 16 bytes>" in shown


def test_authentication():
    assert c.get_challenge().encode().hex() == "0084000016"
    sent = c.mutual_authenticate(2, bytes(16), bytes(22)).encode()
    assert (sent[:5].hex(), sent[-1]) == ("0082000226", 0x10)


@pytest.mark.parametrize("amount", [-1, 1 << 31])
def test_amounts_are_not_negative(amount):
    with pytest.raises(EncodingError, match="amount"):
        c.change_value(c.CipurseIns.INCREASE_VALUE, 1, amount)


@pytest.mark.parametrize(("number", "sfid"), [(255, 1), (1, 31), (-1, 0)])
def test_records_that_do_not_exist(number, sfid):
    with pytest.raises(EncodingError, match="expected up to"):
        c.read_value(number, sfid)
