"""The vectors of others: what the OSPT terminal library and open programs send, and the answer this card owes each.

tests/vectors/cipurse.json names the source of every entry.
"""

import json
from pathlib import Path

import pytest

from cardkit.virtual import make_card
from cardkit.virtual.cipurse import crypto
from cardkit.virtual.cipurse.messaging import FULL, Session

from . import terminal
from .terminal import Bench, dgi, kvv, lv

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "cipurse.json").read_text())
IMAGES = {"V1": "cipurse-v1", "V2": "cipurse-v2", "V3": "cipurse"}
PXSE = "A0000005070100"
ADF = "D2760000041502000003000101"


def of(operation):
    found = [vector for vector in VECTORS if vector["in"]["op"] == operation]
    return pytest.mark.parametrize("vector", found, ids=[vector["name"] for vector in found])


def unhex(table, *names):
    return [bytes.fromhex(table[name]) for name in names]


@of("kvv")
def test_key_verification_values(vector):
    (key,) = unhex(vector["in"], "key")
    assert crypto.kvv(key).hex() == vector["out"]["kvv"] == kvv(key.hex()).lower()


@of("mic")
def test_message_integrity_codes(vector):
    assert crypto.mic(bytes.fromhex(vector["in"]["data"])).hex() == vector["out"]["mic"]
    assert terminal.mic(vector["in"]["data"]).lower() == vector["out"]["mic"]


@of("nlm")
def test_field_products(vector):
    x, y = vector["in"]["x"], vector["in"]["y"]
    assert f"{crypto.nlm(int(x, 16), int(y, 16)):012x}" == vector["out"]["z"] == terminal.nlm(x, y).lower()


@of("mutual-auth")
def test_session_keys(vector):
    key, rp, small_rp, rt, small_rt = unhex(vector["in"], "key", "RP", "rP", "RT", "rT")
    agreed = crypto.agree(key, rp + small_rp, rt + small_rt)
    assert [part.hex() for part in agreed] == [vector["out"][name] for name in ("cP", "cT", "frame_key_1")]


@of("mac-chain")
def test_macs_in_a_row(vector):
    key = vector["out"]["steps"][0]["frame_key_after"]  # the first step hashes one raw block, as no command does
    for step, expected in zip(vector["in"]["steps"][1:], vector["out"]["steps"][1:], strict=True):
        code, following = crypto.mac(bytes.fromhex(key), bytes.fromhex(step["data"]))
        assert (code.hex(), following.hex()) == (expected["mac"], expected["frame_key_after"])
        key = expected["frame_key_after"]


@of("cipher-chain")
def test_cryptograms_in_a_row(vector):
    key = bytes.fromhex(vector["in"]["frame_key"])
    for step, expected in zip(vector["in"]["steps"], vector["out"]["steps"], strict=True):
        ((name, data),) = step.items()
        work = crypto.encipher if name.startswith("encrypt") else crypto.decipher
        given = bytes.fromhex(data)
        if name == "encrypt_m2_padded":
            given = crypto.pad(given)
        found, key = work(key, given)
        if name == "decrypt_m2_padded":
            found = crypto.unpad(found)
        assert found.hex() == expected


@of("sm-exchange")
def test_secured_exchanges_with_their_frame_keys(vector):
    given, expected = vector["in"], vector["out"]
    session = Session(1, bytes.fromhex(given["frame_key"]))
    command = session.unwrap(bytes.fromhex(expected["wrapped_command"]))
    plain = given["command"]
    assert (command.ins, command.data.hex()) == (int(plain["ins"], 16), plain["data"])
    assert command.p1 << 8 | command.p2 == int(plain["p1p2"], 16)
    assert command.ne == (0 if plain["le"] is None else plain["le"] or FULL)
    assert command.level << 6 | command.response_level << 2 | bool(command.ne) == int(given["smi"], 16)
    assert session.frame_key.hex() == expected["frame_key_after_command"]
    response = bytes.fromhex(given["response"])
    if expected["wrapped_response"] != given["response"] or response[-2:] == b"\x90\x00":
        wrapped = session.wrap(response[:-2], response[-2:], command.response_level)
        assert wrapped.hex() == expected["wrapped_response"]
    assert session.frame_key.hex() == expected["frame_key_after_response"]


@of("encrypt-key")
def test_enciphered_keys(vector):
    key, enciphering, cryptogram = *unhex(vector["in"], "key", "enc_key"), bytes.fromhex(vector["out"]["cryptogram"])
    assert crypto.decrypt(enciphering, cryptogram) == key


@of("version-probe")
def test_version_probe_is_answered_without_data(vector):
    bench = Bench(make_card(IMAGES[vector["in"]["syntax"]], seed=1))
    assert bench.raw(vector["out"]["apdu"]) == "9000"
    version = {"V1": "0200", "V2": "0201", "V3": "0202"}[vector["in"]["syntax"]]
    assert bench.ok("00B0000000").startswith(version)


class Prepared(Bench):
    """A card of one syntax on which a vector can be answered well."""

    def __init__(self, syntax):
        super().__init__(make_card(IMAGES[syntax], seed=1))
        self.syntax = syntax

    def make(self, *, files=(), selected=True):
        """PxSE and an application of two keys, with files that have no rules."""
        key_number = "00" if self.syntax == "V1" else ""
        for kind, fid, aid, keys in (("3F00", "2000", PXSE, ""), ("3840", "5F00", ADF, "02")):
            rules = "0000FFFFFF021009021009" if keys else ""
            text = dgi("9200", f"{kind}{fid}{key_number}0A08{keys or '00'}{rules}62{lv('84' + lv(aid))}")
            text += dgi("A00F", (terminal.TRANSPORT + "01" + kvv(terminal.TRANSPORT)) * 2) if keys else ""
            self.ok("00E00000" + lv(text))
        for file in files:
            self.ok("00E00000" + lv(dgi("9201", file if self.syntax != "V1" else self.as_v1(file))))
        self.ok(f"00A40400{lv(ADF)}" if selected else "00A40000")
        return self

    @staticmethod
    def as_v1(file):
        """The string of an EF without rules, in the words of V1."""
        fd, sfid, fid, extent = file[:2], file[2:4], file[4:8], file[8:12]
        records, size = ("00", extent) if fd in ("01", "11") else (extent[:2], None)
        size = size or f"{int(extent[:2], 16) * int(extent[2:], 16):04X}"
        return f"{fd}41{fid}{records}{size}{sfid}"


BINARY = "010330010164"
LINEAR = "020330010304"
VALUE = "1E033001020C"
RECORD = "00000100" + "00000000" + "00000FFF"  # value, minimum, maximum


def with_file(bench, file, select=True):
    bench.make(files=[file])
    if select:
        bench.ok("00A40000023001")
    return bench


def value_file(bench):
    with_file(bench, VALUE)
    for number in (1, 2):
        bench.ok(f"00DC{number:02X}04{lv(RECORD)}")
    return bench


def nothing(bench):
    return bench.make(selected=False)


def blank(bench):
    return bench


def application(bench):
    return bench.make()


def binary(bench):
    return with_file(bench, BINARY)


def linear(bench):
    return with_file(bench, LINEAR)


def file_in_reach(bench):
    return with_file(bench, BINARY, select=False)


def pending(bench):
    with_file(bench, "11" + BINARY[2:])
    bench.ok("00D6000001AA")
    return bench


FCI_PXSE = "6F0B8407A0000005070100A500"
ANSWERS = {
    "SELECT": (nothing, ""),
    "SELECT MF no Le": (application, ""),
    "SELECT MF Le 00": (application, "6F0483023F00"),
    "SELECT MF P2 0C, Le 00": (application, ""),
    "SELECT FID no Le": (file_in_reach, ""),
    "SELECT FID Le 00": (file_in_reach, "6F0483023001"),
    "SELECT FID P2 0C, Le 00": (file_in_reach, ""),
    "SELECT AID no Le": (nothing, ""),
    "SELECT AID Le 00": (nothing, FCI_PXSE),
    "SELECT AID next occurrence": (nothing, FCI_PXSE),
    "READ FILE ATTRIBUTES": (binary, "01033001016400"),
    "UPDATE FILE ATTRIBUTES": (application, ""),
    "UPDATE FILE ATTRIBUTES with tag 86": (application, ""),
    "UPDATE FILE ATTRIBUTES tag 86 switched off": (application, ""),
    "UPDATE KEY clear": (application, ""),
    "UPDATE KEY encrypted": (application, ""),
    "UPDATE KEY ATTRIBUTES": (application, ""),
    "ACTIVATE FILE": (application, ""),
    "DEACTIVATE FILE": (application, ""),
    "READ BINARY off 0x10, le 0": (binary, "00" * 256),
    "READ BINARY off 0x123, le 5": (binary, "00" * 5),
    "READ BINARY sfid 3, off 0x10, le 5": (file_in_reach, "00" * 5),
    "UPDATE BINARY off 0x123": (binary, ""),
    "UPDATE BINARY sfid 3, off 0x10": (file_in_reach, ""),
    "READ RECORD rec 1, mode 4, le 0": (linear, "00" * 4),
    "READ RECORD rec 1, mode 5, le 0": (linear, "00" * 12),
    "READ RECORD sfid 3, rec 1, mode 4, le 0": (linear, "00" * 4),
    "UPDATE RECORD rec 1": (linear, ""),
    "UPDATE RECORD sfid 3, rec 1": (linear, ""),
    "APPEND RECORD": (linear, ""),
    "APPEND RECORD sfid 3": (linear, ""),
    "READ VALUE rec 1, mode 4, le 0": (value_file, "00000100"),
    "READ VALUE sfid 3, rec 1, mode 4, le 4": (value_file, "00000100"),
    "INCREASE VALUE rec 1": (value_file, ""),
    "INCREASE VALUE rec 1, le 0": (value_file, "00000164"),
    "INCREASE VALUE sfid 3, rec 1": (value_file, ""),
    "INCREASE VALUE sfid 3, rec 1, le 0": (value_file, "00000164"),
    "DECREASE VALUE rec 1": (value_file, ""),
    "DECREASE VALUE rec 1, le 0": (value_file, "0000009C"),
    "DECREASE VALUE sfid 3, rec 1": (value_file, ""),
    "DECREASE VALUE sfid 3, rec 1, le 0": (value_file, "0000009C"),
    "PERFORM TRANSACTION": (pending, ""),
    "CANCEL TRANSACTION": (pending, ""),
    "DELETE FILE": (application, ""),
    "DELETE FILE FID": (file_in_reach, ""),
    "DELETE FILE AID": (nothing, ""),
    "FORMAT ALL": (nothing, ""),
    "CREATE FILE PxSE": (blank, ""),
    "CREATE FILE ADF two clear keys": (blank, ""),
    "CREATE FILE ADF two encrypted keys": (blank, ""),
}
REFUSED = {
    "CREATE FILE ADF without security attributes": "6A80",
    "CREATE FILE ADF encKeyNo 1 but clear keys (library defect)": "6A80",
}
MAKES_PXSE = "CREATE FILE PxSE"


@of("command")
def test_commands_of_the_terminal_library(vector):
    syntax, name = vector["in"]["syntax"], vector["name"][3:]
    bench = Prepared(syntax)
    command = vector["out"]["apdu"]
    if name in REFUSED:
        assert bench.raw(command) == REFUSED[name]
        return
    if vector["in"]["command"] == "CREATE FILE EF":
        created(bench.make(), vector)
        return
    prepare, data = ANSWERS[name]
    prepare(bench)
    if "pxse_aid" in vector["in"].get("adf", {}):
        bench.ok("00E00000" + lv(dgi("9200", f"3F002000{'00' if syntax == 'V1' else ''}0800006209{'84' + lv(PXSE)}")))
    assert bench.ok(command) == data
    if vector["in"]["command"].startswith("CREATE FILE ADF"):
        assert_adf(bench, vector["in"])


def created(bench, vector):
    """What READ FILE ATTRIBUTES then says is what the command said."""
    assert bench.raw(vector["out"]["apdu"]) == "9000"
    ef = vector["in"]["ef"]
    record = ef["size"] // ef["n_recs"] if vector["in"]["syntax"] == "V1" else ef["rec_size"]
    extent = f"{ef['size']:04X}" if ef["fd"] in ("01", "11") else f"{ef['n_recs']:02X}{record:02X}"
    rules = vector["in"].get("security")
    shown = f"{rules['n_keys']:02X}{rules['smr']}{''.join(rules['art'])}" if rules else "00"
    expected = f"{ef['fd']}{ef['sfid']:02X}{ef['fid']}{extent}{shown}"
    assert bench.card.memory()["df/5F00"].endswith(bytes.fromhex(f"{len(expected) // 2:02X}{expected}"))


def assert_adf(bench, given):
    """The new application has the keys, rules and names that the command gave it."""
    adf, rules = given["adf"], given["security"]
    memory = bench.card.memory()
    keys = b"".join(bytes.fromhex(key["sec_attr"] + key["add_info"] + key["key"]) for key in given["keys"])
    assert memory["keys/5F00"] == keys
    header = f"{adf['fid']}{adf['n_efs']:02X}{adf['n_sfids']:02X}{adf['n_keys']:02X}"
    assert header.lower() in memory["df/5F00"].hex()
    bench.key = None
    bench.ok(f"00A40400{lv(adf['aid'])}")
    granted = rules["smr"] + "".join(rules["art"])
    assert granted in memory["df/5F00"].hex()
    assert bench.authenticate(2, given["keys"][1]["key"]) == "9000"
