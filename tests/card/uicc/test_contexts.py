"""AUTHENTICATE by every algorithm of a key file: 3G, GSM and GBA contexts (TS 31.102 7.1; TS 33.102 6.8; TS 33.220)."""

import hashlib
import hmac
import random
import shutil
import subprocess

import pytest

from cardkit.virtual.algorithms.tuak import Sizes, Tuak
from cardkit.virtual.milenage import Constants, Milenage, XorAka, kc, sres, xor
from tests.card.test_authenticate import OPC, RAND, K, Network, auts, vectors, write_key
from tests.card.uicc.test_algorithms import STANDARD_BODY

ORACLE = shutil.which("osmo-auc-gen")


def write(terminal, path, body):
    terminal.adm().select(path)
    assert terminal(f"00D60000{len(body):02X}{body.hex()}") == "9000"


def tuak_file(cfg, sizes_byte, iterations, top, k):
    return bytes((cfg, sizes_byte, iterations)) + top + k


@pytest.mark.parametrize("number", range(4))
def test_tuak_sets_of_ts_35_233_through_the_card(wide, auth_vectors, number):
    """Four of the six: the key file has one bit for the sizes of CK and IK."""
    sets = [v for v in vectors(auth_vectors, "tuak", "f5star") if v[0]["ck_bits"] == v[0]["ik_bits"]]
    assert len(sets) == 4
    given, out = sets[number]
    mac, res = given["mac_bits"] // 8, given["res_bits"] // 8
    sizes_byte = {8: 0, 16: 8, 32: 16}[mac] | {4: 0, 8: 1, 16: 2, 32: 3}[res]
    sizes_byte |= 0x40 if given["ck_bits"] == 256 else 0
    cfg = 0x46 if len(given["k"]) == 32 else 0x06
    write(wide, "7FF0AF20", tuak_file(cfg, sizes_byte, given["keccak_iterations"], given["top"], given["k"]))
    write(wide, "7FF0AF30", bytes.fromhex("0503"))  # no check of the SQN
    wide.select("7FF0")
    autn = xor(given["sqn"], out["f5"]) + given["amf"] + out["f1"]
    answer = wide(f"00880081{18 + len(autn):02X}10{given['rand'].hex()}{len(autn):02X}{autn.hex()}00")
    parts = "".join(f"{len(part):02X}{part.hex()}" for part in (out["f2"], out["f3"], out["f4"]))
    assert answer == f"DB{parts}9000".upper()


def test_tuak_with_topc_resynchronizes(wide):
    topc, k = bytes(range(32)), bytes(range(100, 132))
    write(wide, "7FF0AF20", tuak_file(0x56, 0x01, 3, topc, k))
    network = Network(wide, Tuak(k, topc, Sizes(), 3))
    assert network(33) == network.success()
    assert network(33) == network.resync(33)


def test_operator_constants_from_their_file(wide):
    body = bytearray(STANDARD_BODY)
    body[1], body[30], body[84] = 17, 0x5A, 0x99
    write_key(wide, "7FF0AF20", "14")
    write(wide, "A5156F21", bytes(body))
    changed = Network(wide, Milenage(K, OPC, constants=Constants.parse(bytes(body))))
    assert changed(33) == changed.success()
    assert changed(33) == changed.resync(33)
    assert changed.send(Network(wide).autn(65)) == "9862"


def test_a_blank_constants_file_means_the_standard_ones(wide):
    write_key(wide, "7FF0AF20", "14")
    network = Network(wide)
    assert network(33) == network.success()


@pytest.mark.parametrize("version", [1, 2, 3])
def test_comp128_in_the_gsm_context_and_by_run_gsm(usim, auth_vectors, version):
    given, out = vectors(auth_vectors, f"comp128v{version}", "sres")[3]
    write_key(usim, "A5156F20", f"{version:02X}", k=given["ki"])
    usim.select("7FF0")
    expected = f"04{out['sres'].hex()}08{out['kc'].hex()}9000".upper()
    assert usim(f"008800801110{given['rand'].hex()}00") == expected
    usim("A0A40000027F20")
    assert usim(f"A088000010{given['rand'].hex()}") == "9F0C"
    assert usim("A0C000000C") == f"{out['sres'].hex()}{out['kc'].hex()}9000".upper()


@pytest.mark.parametrize(
    ("cfg", "aka"), [("14", Milenage(K, OPC)), ("34", Milenage(K, OPC)), ("0F", XorAka(K)), ("2F", XorAka(K))]
)
def test_gsm_context_of_a_card_with_a_3g_key_only(wide, cfg, aka):
    """Conversions c2 and c3, c2 in its second variant where the key file says so."""
    write_key(wide, "7FF0AF20", cfg)
    wide.select("7FF0")
    short = sres(aka.response(RAND), variant2=cfg in ("34", "2F"))
    assert wide(f"008800801110{RAND.hex()}00") == f"04{short.hex()}08{kc(*aka.keys(RAND)).hex()}9000".upper()


def test_conversions_of_libosmocore(wide, auth_vectors):
    for given, out in vectors(auth_vectors, "milenage", "autn", "sres"):
        write_key(wide, "7FF0AF20", "14", k=given["k"], opc=given["opc"])
        wide.select("7FF0")
        expected = f"04{out['sres'].hex()}08{out['kc'].hex()}9000".upper()
        assert wide(f"008800801110{given['rand'].hex()}00") == expected


class TestGba:
    """TS 33.220: MAC* hides MAC behind SHA-1(IK); Ks = CK || IK stays on the card."""

    @pytest.fixture
    def network(self, usim):
        write_key(usim, "7FF0AF20", "14")
        usim.select("7FF06F38")
        assert usim("00D600080108") == "9000"  # service 68
        return Network(usim)

    def bootstrap(self, network, sqn):
        autn = network.autn(sqn)
        _, ik = network.aka.keys(RAND)
        masked = autn[:8] + xor(autn[8:], hashlib.sha1(ik).digest())
        return network.terminal(f"0088008423DD10{RAND.hex()}10{masked.hex()}00")

    def test_bootstrapping_answers_res_alone(self, network):
        res = network.aka.response(RAND)
        assert self.bootstrap(network, 33) == f"DB08{res.hex()}9000".upper()
        sync = auts(network.aka, (33).to_bytes(6, "big"), RAND)
        assert self.bootstrap(network, 33) == f"DC0E{sync.hex()}9000".upper()

    def test_a_mac_of_another_context_is_refused(self, network):
        autn = network.autn(33)
        assert network.terminal(f"0088008423DD10{RAND.hex()}10{autn.hex()}00") == "9862"

    def test_naf_key(self, network):
        naf, impi = b"naf.example.org\x01\x00\x00\x00\x02", b"001010000000001@ims.example"
        derive = f"DE{len(naf):02X}{naf.hex()}{len(impi):02X}{impi.hex()}"
        command = f"00880084{len(derive) // 2:02X}{derive}00"
        assert network.terminal(command) == "6985"
        self.bootstrap(network, 33)
        text = b"\x01" + b"".join(part + len(part).to_bytes(2, "big") for part in (b"gba-me", RAND, impi, naf))
        expected = hmac.new(b"".join(network.aka.keys(RAND)), text, "sha256").hexdigest().upper()
        network.terminal.card.power(cold=True)
        network.terminal.select("7FF0")
        assert network.terminal(command) == f"DB20{expected}9000"

    @pytest.mark.parametrize(("data", "sw"), [("AA" + "00" * 20, "6A80"), ("DE05", "6A80"), ("DD10", "6700")])
    def test_malformed(self, network, data, sw):
        assert network.terminal(f"00880084{len(data) // 2:02X}{data}00") == sw

    def test_without_service_68_there_is_no_such_context(self, usim):
        write_key(usim, "7FF0AF20", "14")
        assert self.bootstrap(Network(usim), 33) == "9864"


def oracle(*arguments):
    """What osmo-auc-gen answers, by name."""
    text = subprocess.run([ORACLE, *arguments], capture_output=True, text=True, check=True).stdout
    lines = (line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    return {name: value.upper() for name, value in lines}


@pytest.mark.skipif(ORACLE is None, reason="osmo-auc-gen (libosmocore-utils) is not installed")
class TestOracle:
    @pytest.mark.parametrize("seed", range(4))
    def test_milenage_by_an_authentication_centre_we_did_not_write(self, wide, seed):
        source = random.Random(seed)
        k, op, rand, sqn = (
            source.randbytes(16),
            source.randbytes(16),
            source.randbytes(16),
            source.randrange(32, 1 << 30),
        )
        given = ("-3", "-a", "MILENAGE", "-k", k.hex(), "-O", op.hex(), "-f", "8000")
        write_key(wide, "7FF0AF20", "04", k=k, opc=op)
        wide.select("7FF0")
        said = oracle(*given, "-s", str(sqn), "-r", rand.hex())
        command = f"008800812210{rand.hex()}10{said['AUTN']}00"
        assert wide(command) == f"DB08{said['RES']}10{said['CK']}10{said['IK']}9000"
        assert wide(f"008800801110{rand.hex()}00") == f"04{said['SRES']}08{said['Kc']}9000"
        answer = wide(command)
        assert answer.startswith("DC0E")
        again = oracle(*given, "-A", answer[4:-4], "-r", rand.hex())
        assert int(again["SQN.MS"]) == sqn

    @pytest.mark.parametrize("version", [1, 2, 3])
    def test_comp128(self, usim, version):
        source = random.Random(version)
        ki, rand = source.randbytes(16), source.randbytes(16)
        said = oracle("-2", "-a", f"COMP128v{version}", "-k", ki.hex(), "-r", rand.hex())
        write_key(usim, "A5156F20", f"{version:02X}", k=ki)
        usim.select("7FF0")
        assert usim(f"008800801110{rand.hex()}00") == f"04{said['SRES']}08{said['Kc']}9000"
