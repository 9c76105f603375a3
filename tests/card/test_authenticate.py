"""AUTHENTICATE, Milenage and XOR, sequence numbers, RUN GSM (TS 31.102 7.1; TS 33.102 6.3, C.2; TS 35.207)."""

from pathlib import Path

import pytest

from cardkit.virtual import VirtualCard, milenage
from cardkit.virtual import image as image_module
from cardkit.virtual.milenage import Milenage, XorAka, kc, sres, xor
from cardkit.virtual.sqn import SequenceNumbers

K = bytes.fromhex("465B5CE8B199B49FAA5F0A2EE238A6BC")
OPC = bytes.fromhex("CD63CB71954A9F4E48A5994E37A02BAF")
RAND = bytes.fromhex("23553CBE9637A89D218AE64DAE47BF35")


def vectors(auth_vectors, algorithm, *outputs):
    found = [
        v for v in auth_vectors if v["in"].get("algorithm") == algorithm and all(name in v["out"] for name in outputs)
    ]
    assert found
    return [({n: unhex(x) for n, x in v["in"].items()}, {n: unhex(x) for n, x in v["out"].items()}) for v in found]


def unhex(value):
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError):
        return value


def test_six_test_sets_of_ts_35_207(auth_vectors):
    sets = vectors(auth_vectors, "milenage", "f1star")
    assert len(sets) == 6
    for given, out in sets:
        aka = Milenage(given["k"], given["op"], derive=True)
        rand = given["rand"]
        assert aka.mac(rand, given["sqn"], given["amf"]) == out["f1"]
        assert aka.mac_resync(rand, given["sqn"], given["amf"]) == out["f1star"]
        assert (aka.response(rand), *aka.keys(rand)) == (out["f2"], out["f3"], out["f4"])
        assert (aka.anonymity(rand), aka.anonymity_resync(rand)) == (out["f5"], out["f5star"])
        assert Milenage(given["k"], out["opc"]).response(rand) == out["f2"]


def check_quintuplet(aka, given, out):
    rand, sqn, amf = given["rand"], given["sqn"], given["amf"]
    ck, ik = aka.keys(rand)
    assert (aka.response(rand), ck, ik) == (out["res"], out["ck"], out["ik"])
    assert xor(sqn, aka.anonymity(rand)) + amf + aka.mac(rand, sqn, amf) == out["autn"]
    assert (sres(aka.response(rand)), kc(ck, ik)) == (out["sres"], out["kc"])


def test_milenage_quintuplets_and_2g_conversion(auth_vectors):
    for given, out in vectors(auth_vectors, "milenage", "autn", "sres"):
        check_quintuplet(Milenage(given["k"], given["opc"]), given, out)


def test_xor_quintuplets_of_osmo_auc_gen(auth_vectors):
    for given, out in vectors(auth_vectors, "xor3g", "autn"):
        check_quintuplet(XorAka(given["k"]), given, out)


def auts(aka, sqn_ms, rand):
    return xor(sqn_ms, aka.anonymity_resync(rand)) + aka.mac_resync(rand, sqn_ms, bytes(2))


def test_auts_vector(auth_vectors):
    ((given, out),) = vectors(auth_vectors, "milenage", "auts")
    assert auts(Milenage(given["k"], given["opc"]), given["sqn_ms"], given["rand"]) == out["auts"]


class Network:
    """The other end: makes AUTN and reads AUTS for one key."""

    def __init__(self, terminal, aka=None, application="7FF0"):
        self.terminal = terminal
        self.aka = aka or Milenage(K, OPC)
        terminal.select(application)

    def autn(self, sqn, amf=b"\x80\x00", rand=RAND):
        number = sqn.to_bytes(6, "big")
        return xor(number, self.aka.anonymity(rand)) + amf + self.aka.mac(rand, number, amf)

    def __call__(self, sqn, rand=RAND):
        return self.send(self.autn(sqn, rand=rand), rand)

    def send(self, autn, rand=RAND):
        return self.terminal(f"0088008122{'10'}{rand.hex()}{'10'}{autn.hex()}00")

    def success(self, rand=RAND):
        ck, ik = self.aka.keys(rand)
        res = self.aka.response(rand)
        return f"DB{len(res):02X}{res.hex()}10{ck.hex()}10{ik.hex()}9000".upper()

    def resync(self, sqn_ms, rand=RAND):
        return f"DC0E{auts(self.aka, sqn_ms.to_bytes(6, 'big'), rand).hex()}9000".upper()


def write_key(terminal, path, cfg, k=K, opc=OPC):
    terminal.adm().select(path)
    assert terminal(f"00D6000021{cfg}{k.hex()}{opc.hex()}") == "9000"


@pytest.fixture
def network(usim):
    write_key(usim, "7FF0AF20", "14")
    return Network(usim)


def test_fresh_then_replayed(network):
    assert network(32 | 1) == network.success()
    assert network(32 | 1) == network.resync(33)
    assert network(64 | 1) == network.success()


def test_stale_sqn_0_proves_the_key_without_spending_anything(network):
    before = network.terminal.card.memory()
    assert network(0) == network.resync(0)
    assert network.terminal.card.memory() == before


def test_wrong_mac_is_9862_and_stores_nothing(network):
    before = network.terminal.card.memory()
    autn = bytearray(network.autn(33))
    for bit in (0, 3, 63):
        wrong = autn[:]
        wrong[8 + bit // 8] ^= 1 << bit % 8
        assert network.send(bytes(wrong)) == "9862"
    assert network.terminal.card.memory() == before


def test_sqn_of_libosmocore_31_42_74_106(network):
    """SQN_MS 31, then the AuC's 42, 74 and 106 with IND 10 (libosmocore tests/auth, the SQN vectors)."""
    assert network(31) != network.success()  # SEQ 0
    for sqn in (42, 74, 106):
        assert network(sqn) == network.success()
        assert network(sqn) == network.resync(sqn)


def test_each_ind_has_its_own_freshness(network):
    assert network(10 << 5 | 1) == network.success()
    assert network(3 << 5 | 2) == network.success()
    assert network(3 << 5 | 1) == network.resync(10 << 5 | 1)
    assert network(10 << 5 | 2) == network.success()


def test_delta_limits_the_jump(network):
    delta = 1 << 28
    assert network((delta + 1) << 5) == network.resync(0)
    assert network(delta << 5) == network.success()
    assert network((2 * delta + 1) << 5) == network.resync(delta << 5)
    assert network(2 * delta << 5) == network.success()


def sqn_file(flags="5503", delta="000200000000", age="000000000000", entries=()):
    values = list(entries) + [0] * (32 - len(entries))
    return bytes.fromhex(flags + delta + age) + b"".join(value.to_bytes(6, "big") for value in values)


def test_age_limit():
    numbers = SequenceNumbers(sqn_file("7503", age="000000000140", entries=(100 << 5,)))
    assert numbers.is_fresh((91 << 5 | 1).to_bytes(6, "big"))
    assert not numbers.is_fresh((90 << 5 | 1).to_bytes(6, "big"))


def test_check_switched_off_or_skipped_once(usim):
    write_key(usim, "7FF0AF20", "14")
    usim.select("7FF0AF30")
    usim("00D6000001D5")
    network = Network(usim)
    assert network(0) == network.success()
    assert network(0) == network.resync(0)
    usim.select("7FF0AF30")
    usim("00D600000145")
    usim.select("7FF0")
    assert network(0) == network.success()
    assert network(0) == network.success()


def test_sqn_in_clear_where_the_file_says_so(usim):
    write_key(usim, "7FF0AF20", "14")
    usim.select("7FF0AF30")
    usim("00D60000025500")
    network = Network(usim)
    number = (33).to_bytes(6, "big")
    autn = number + b"\x80\x00" + network.aka.mac(RAND, number, b"\x80\x00")
    assert network.send(autn) == network.success()
    plain = number + network.aka.mac_resync(RAND, number, bytes(2))
    assert network.send(autn) == f"DC0E{plain.hex()}9000".upper()


def test_amf_kept_for_mac_s(usim):
    write_key(usim, "7FF0AF20", "14")
    usim.select("7FF0AF30")
    usim("00D60000025507")
    network = Network(usim)
    expected = xor(bytes(6), network.aka.anonymity_resync(RAND)) + network.aka.mac_resync(RAND, bytes(6), b"\x80\x00")
    assert network(0) == f"DC0E{expected.hex()}9000".upper()


def test_sqn_survives_reset_and_is_in_its_file(network):
    network(33)
    network.terminal.card.power(cold=True)
    network.terminal.select("7FF0")
    assert network(33) == network.resync(33)
    assert network.terminal.body("3F00/7FF0/AF30")[28 + 12 : 28 + 24] == "000000000021"


def test_isim_has_its_own_key_and_numbers(usim):
    write_key(usim, "7FF0AF20", "14")
    write_key(usim, "7FF1AF20", "14", k=bytes(range(16)))
    network = Network(usim)
    assert network(33) == network.success()
    ims = Network(usim, Milenage(bytes(range(16)), OPC), "7FF1")
    assert ims(33) == ims.success()
    assert ims.send(network.autn(65)) == "9862"


def test_xor_by_configuration(usim):
    write_key(usim, "7FF0AF20", "0F")
    network = Network(usim, XorAka(K))
    assert network(33) == network.success()
    assert network(0) == network.resync(33)


def test_op_instead_of_opc_and_short_res(usim):
    write_key(usim, "7FF0AF20", "44", opc=bytes.fromhex("CDC202D5123E20F62B6D676AC72CB318"))
    network = Network(usim)
    assert network(33).startswith("DB04" + network.aka.response(RAND).hex().upper()[:8] + "10")


def test_kc_with_service_27(usim):
    write_key(usim, "7FF0AF20", "14")
    usim.select("7FF06F38")
    usim("00D600030104")
    network = Network(usim)
    assert network(33) == f"{network.success()[:-4]}08{kc(*network.aka.keys(RAND)).hex().upper()}9000"


def test_pin1_protects_authenticate(network):
    network.terminal("002800010830303030FFFFFFFF")
    network.terminal.card.power(cold=True)
    network.terminal.select("7FF0")
    assert network(33) == "6982"
    assert network.terminal("002000010830303030FFFFFFFF") == "9000"
    assert network(33) == network.success()


def test_unwritten_key_file(usim):
    assert Network(usim)(33) == "6985"


@pytest.mark.parametrize("cfg", ["11", "15", "16", "0E"])
def test_algorithms_this_chip_lacks(usim, cfg):
    write_key(usim, "7FF0AF20", cfg)
    assert Network(usim)(33) == "6985"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("0088008211" + "10" + "00" * 16 + "00", "9864"),
        ("0088008411" + "10" + "00" * 16 + "00", "9864"),
        ("0088000122" + "10" + "00" * 16 + "10" + "00" * 16 + "00", "6A86"),
        ("0088018122" + "10" + "00" * 16 + "10" + "00" * 16 + "00", "6A86"),
        ("0088008111" + "10" + "00" * 16 + "00", "6700"),
        ("0088008122" + "10" + "00" * 16 + "0F" + "00" * 16 + "00", "6A80"),
        ("0088008122" + "08" + "00" * 16 + "10" + "00" * 16 + "00", "6A80"),
        ("0088008022" + "10" + "00" * 16 + "10" + "00" * 16 + "00", "6700"),
        ("00880081", "6700"),
    ],
)
def test_refusals(network, command, sw):
    assert network.terminal(command) == sw


def test_outside_an_application_6985(usim):
    assert usim("0088008122" + "10" + "00" * 16 + "10" + "00" * 16 + "00") == "6985"
    assert usim("0088008011" + "10" + "00" * 16 + "00") == "6985"


def test_t0_answer_by_get_response(usim_t0):
    write_key(usim_t0, "7FF0AF20", "14")
    network = Network(usim_t0)
    assert usim_t0(f"008800812210{RAND.hex()}10{network.autn(33).hex()}") == "612C"
    assert usim_t0("00C000002C") == network.success()


def gsm_answer(aka, variant2=False):
    ck, ik = aka.keys(RAND)
    return f"04{sres(aka.response(RAND), variant2=variant2).hex()}08{kc(ck, ik).hex()}9000".upper()


@pytest.mark.parametrize(("cfg", "variant2"), [("14", False), ("34", True)])
def test_gsm_context_uses_the_2g_key(usim, cfg, variant2):
    write_key(usim, "A5156F20", cfg)
    usim.select("7FF0")
    answer = gsm_answer(Milenage(K, OPC), variant2)
    assert usim(f"008800801110{RAND.hex()}00") == answer
    usim("A0A40000027F20")
    assert usim(f"A088000010{RAND.hex()}") == "9F0C"
    assert usim("A0C000000C") == answer[2:10] + answer[12:]


def test_xor_2g(usim, auth_vectors):
    for given, out in vectors(auth_vectors, "xor2g", "sres"):
        write_key(usim, "A5156F20", "0E", k=given["ki"])
        usim.select("7F20")
        assert usim(f"008800801110{given['rand'].hex()}00") == f"04{out['sres'].hex()}08{out['kc'].hex()}9000".upper()


def test_a_card_without_a_2g_key_has_no_gsm_context(tmp_path):
    text = (Path(image_module.__file__).parent / "images" / "usim.toml").read_text()
    path = tmp_path / "no2g.toml"
    path.write_text(text.replace("[[authenticate]]            # 2G", "[[unused]]  #"))
    terminal = VirtualCard(str(path))
    terminal.transmit(bytes.fromhex("00A4000C027F20"))
    assert terminal.transmit(bytes.fromhex("0088008011" + "10" + "00" * 16 + "00")) == b"\x69\x85"


def test_keys_are_not_shown(usim):
    assert K.hex() not in repr(XorAka(K)).lower()
    assert K.hex() not in repr(vars(milenage)).lower()
