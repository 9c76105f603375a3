"""K, OPc and sequence numbers of USIM and ISIM by STORE DATA (GPCS 11.11; TS 31.102 7.1; image usim-isim-5g-gp)."""

import copy

import pytest

from cardkit.virtual import ImageError, make_card
from cardkit.virtual.chips import ChipDirectory
from cardkit.virtual.faults import catalogue
from cardkit.virtual.milenage import Constants, Milenage, XorAka, xor
from tests.card.gp.conftest import ISD, cbc, lv
from tests.card.gp.conftest import Terminal as GpTerminal
from tests.card.test_authenticate import OPC, RAND, K, Network, auts, vectors
from tests.card.uicc.test_platform import ISIM, TEST_KEY, USIM, des, retail_mac

IMAGE = "usim-isim-5g-gp"
ALGORITHM, SQN, CONSTANTS, K_DGI, OPC_DGI = "0101", "0102", "0103", "8F01", "8F02"
STEP = 0x20  # of SQN when SEQ goes on by one
POLICY = "5503000200000000000000000000"


def dgi(number, value):
    return number + lv(value)


class Terminal(GpTerminal):
    """A terminal that personalizes; the files are reached by raw commands beside the session."""

    def on_application(self, aid=USIM, level=3):
        """A session opened on the application itself."""
        assert self.open(level, kvn=0x30, aid=aid) == "9000"
        return self

    def on_domain(self, aid=USIM):
        """A session of the issuer security domain, and INSTALL [for personalization]."""
        assert self.open(3, kvn=0x30) == "9000"
        assert self.target(aid) == "009000"
        return self

    def file(self, path):
        return self.raw(f"00A4080C{lv(path)}")

    def target(self, aid=USIM):
        return self(f"80E62000{lv(f'0000{lv(aid)}000000')}")

    def secret(self, number, value):
        return dgi(number, cbc(self.dek, value).hex())

    def subscriber(self, k=K, opc=OPC, algorithm="01", *more):
        """What one block brings."""
        secrets = self.secret(K_DGI, k) + (self.secret(OPC_DGI, opc) if opc else "")
        return dgi(ALGORITHM, algorithm) + "".join(more) + secrets

    def store(self, data, p1="A8", block=0):
        return self(f"80E2{p1}{block:02X}{lv(data)}")

    def network(self, aka=None, application="7FF0"):
        return Network(Files(self), aka, application)


class Files:
    """The file system of the card behind a terminal, outside any session."""

    def __init__(self, terminal):
        self.card = terminal.card
        self.raw = terminal.raw

    def __call__(self, command):
        return self.raw(command)

    def select(self, path):
        assert self.raw(f"00A4080C{lv(path)}") == "9000"


@pytest.fixture
def card():
    return Terminal(make_card(IMAGE, seed=1))


@pytest.fixture
def done(card):
    assert card.on_application().store(card.subscriber()) == "9000"
    return card


@pytest.mark.parametrize("way", [Terminal.on_application, Terminal.on_domain])
def test_k_and_opc_of_ts_35_207_answer_as_published(card, auth_vectors, way):
    way(card)
    for given, out in vectors(auth_vectors, "milenage", "f1star")[:2]:
        fresh = Terminal(make_card(IMAGE, seed=2))
        way(fresh)
        assert fresh.store(fresh.subscriber(given["k"], out["opc"])) == "9000"
        network = fresh.network(Milenage(given["k"], given["op"], derive=True))
        answer = bytes.fromhex(network(STEP, given["rand"]))
        assert answer[:-2] == b"\xdb\x08" + out["f2"] + b"\x10" + out["f3"] + b"\x10" + out["f4"]


def test_nothing_authenticates_before_the_last_block(card):
    card.on_application()
    assert card.network()(STEP) == "6985"
    assert card.store(dgi(ALGORITHM, "01"), "08", 0) == "9000"
    assert card.store(card.secret(K_DGI, K) + card.secret(OPC_DGI, OPC), "68", 1) == "9000"
    assert card.network()(STEP) == "6985"
    assert card.store(dgi(SQN, "000000000100"), "88", 2) == "9000"
    assert card.network()(0x100)[:2] == "DC"
    assert card.network()(0x120)[:2] == "DB"


def test_a_stale_number_is_answered_with_the_start_value(card):
    card.on_application().store(card.subscriber(K, OPC, "01", dgi(SQN, "000000000105")))
    assert card.network()(0) == f"DC0E{auts(Milenage(K, OPC), (0x105).to_bytes(6, 'big'), RAND).hex().upper()}9000"


def test_tuak_answers_as_ts_35_233(auth_vectors):
    sets = [pair for pair in vectors(auth_vectors, "tuak", "f5star") if pair[0]["ck_bits"] == pair[0]["ik_bits"]]
    assert {len(given["k"]) for given, _ in sets} == {16, 32}
    for given, out in sets:
        mac, res, ck = (given[f"{name}_bits"] // 8 for name in ("mac", "res", "ck"))
        sizes = (0x40 if ck == 32 else 0) | {8: 0x00, 16: 0x08, 32: 0x10}[mac] | {4: 0, 8: 1, 16: 2, 32: 3}[res]
        card = Terminal(make_card(IMAGE, seed=1)).on_application()
        unlimited = dgi(SQN, "15" + POLICY[2:])
        head = f"0200{sizes:02X}{given['keccak_iterations']:02X}"
        assert card.store(card.subscriber(given["k"], out["topc"], head, unlimited)) == "9000"
        autn = xor(given["sqn"], out["f5"]) + given["amf"] + out["f1"]
        card.raw("00A4080C027FF0")
        answer = card.raw("00880081" + lv(lv(given["rand"].hex()) + lv(autn.hex())) + "00")
        expected = b"\xdb" + b"".join(bytes((len(part),)) + part for part in (out["f2"], out["f3"], out["f4"]))
        assert answer == expected.hex().upper() + "9000"


def test_xor_and_short_results(card):
    assert card.on_application().store(card.subscriber(K, b"", "0340")) == "9000"
    assert card.network(XorAka(K))(STEP).startswith("DB04" + XorAka(K).response(RAND)[:4].hex().upper())


def test_the_operators_constants(card):
    body = bytes((64, 8, 32, 64, 96)) + b"".join(bytes(15) + bytes((c,)) for c in (0, 1, 2, 4, 8))
    assert card.on_application().store(card.subscriber(K, OPC, "01", dgi(CONSTANTS, body.hex()))) == "9000"
    other = Milenage(K, OPC, constants=Constants.parse(body))
    assert card.network(other)(STEP).startswith("DB08" + other.response(RAND).hex().upper())


def test_a_policy_of_three_bits(card):
    assert card.on_application().store(card.subscriber(K, OPC, "01", dgi(SQN, "53" + POLICY[2:]))) == "9000"
    assert len(card.card.memory()[f"app/{USIM}/sqn"]) == 14 + 8 * 6
    network = card.network()
    assert [network(sqn)[:2] for sqn in (0x09, 0x09, 0x11)] == ["DB", "DC", "DB"]


def test_usim_and_isim_have_keys_of_their_own(card):
    card.on_domain()
    assert card.store(card.subscriber()) == "9000"
    assert card.target(ISIM) == "009000"
    assert card.store(card.subscriber(OPC, K)) == "9000"
    assert card.network()(STEP)[:2] == "DB"
    assert card.network(Milenage(OPC, K), "7FF1")(STEP)[:2] == "DB"
    assert card.network(Milenage(K, OPC), "7FF1")(2 * STEP) == "9862"


def test_the_2g_algorithm_runs_on_the_same_key(done):
    done.raw("00A4080C027FF0")
    assert done.raw(f"0088008011{'10'}{RAND.hex()}00").startswith("04")
    done.raw("00A4080C027F20")
    assert done.raw(f"0088008011{'10'}{RAND.hex()}00").startswith("04")


class TestRefusals:
    def test_without_a_session(self, card):
        for aid in (USIM, ISIM, ISD):
            card.select(aid)
            assert card.raw(f"80E2A800{lv(dgi(ALGORITHM, '01'))}") == "6982"
        card.raw("00A4000C023F00")
        assert card.raw("80E2880000") == "6982"

    @pytest.mark.parametrize("level", [0, 1])
    def test_with_too_little_protection(self, card, level):
        assert card.on_application(level=level).store(dgi(ALGORITHM, "01")) == "6982"

    def test_unprotected_in_a_session(self, card):
        card.on_application()
        assert card.raw(f"80E2A800{lv(dgi(ALGORITHM, '01'))}") == "6982"
        assert card.store(dgi(ALGORITHM, "01")) == "6982"

    @pytest.mark.parametrize("p1", ["88", "08", "80", "00", "90"])
    def test_keys_in_clear(self, card, p1):
        assert card.on_application().store(dgi(K_DGI, K.hex()), p1) == "6A80"

    @pytest.mark.parametrize(
        "data",
        [
            dgi(K_DGI, "00" * 15), dgi(K_DGI, "00" * 8), dgi(K_DGI, "00" * 48), dgi(OPC_DGI, "00" * 64), dgi(K_DGI, ""),
            dgi(ALGORITHM, ""), dgi(ALGORITHM, "010000"), dgi(SQN, "00" * 7), dgi(CONSTANTS, "00" * 84),
            dgi("0104", "00"), dgi("8F03", "00" * 16), "8F0110", "8F",
        ],
    )  # fmt: skip
    def test_wrong_lengths_and_unknown_groupings(self, card, data):
        assert card.on_application().store(data, "A8") == "6A80"
        assert not [name for name, value in card.card.memory().items() if name.startswith("app/") and value]

    @pytest.mark.parametrize(
        ("k", "opc", "algorithm", "more"),
        [
            (K, OPC, "00", ""), (K, OPC, "04", ""), (K, OPC, "FF", ""), (K, OPC, "0110", ""), (K, OPC, "0101", ""),
            (K + K, OPC, "01", ""), (K, OPC + OPC, "01", ""), (K, b"", "01", ""), (K, OPC, "03", ""),
            (K, OPC, "02", ""), (K, OPC + OPC, "0240", ""), (K, OPC + OPC, "02000100", ""),
            (K, OPC + OPC, "02008101", ""), (K, OPC + OPC, "02003901", ""), (K, OPC, "01000101", ""),
            (K, b"", "03", dgi(CONSTANTS, "00" * 85)), (K, OPC, "01", dgi(SQN, "56" + POLICY[2:])),
        ],
    )  # fmt: skip
    def test_what_does_not_belong_together(self, card, k, opc, algorithm, more):
        card.on_application()
        assert card.store(card.subscriber(k, opc, algorithm, more)) == "6A80"
        assert card.network()(STEP) == "6985"
        assert card.store(card.subscriber()) == "9000"
        assert card.network()(STEP)[:2] == "DB"

    @pytest.mark.parametrize("missing", [ALGORITHM, K_DGI, OPC_DGI])
    def test_the_end_before_all_is_there(self, card, missing):
        card.on_application()
        parts = {ALGORITHM: dgi(ALGORITHM, "01"), K_DGI: card.secret(K_DGI, K), OPC_DGI: card.secret(OPC_DGI, OPC)}
        late = parts.pop(missing)
        for number, part in enumerate(parts.values()):
            assert card.store(part, "28", number) == "9000"
        assert card.store(dgi(SQN, "000000000000"), "A8", 2) == "6A80"
        assert card.store(late) == "9000"

    def test_block_numbers(self, card):
        assert card.on_application().store(card.subscriber(), "A8", 1) == "6985"

    def test_a_second_personalization(self, done):
        assert done.store(done.subscriber()) == "6985"
        done.card.power(cold=True)
        assert done.on_application().store(dgi(ALGORITHM, "01")) == "6985"
        assert done.open(3, kvn=0x30) == "9000"
        assert done.target() == "6985"
        for state in ("8F", "0F"):
            assert done(f"80F040{state}{lv(USIM)}") == "9000"
        assert done.target() == "6985"
        assert done.registry()[USIM][0] == 0x0F
        assert done.registry()[ISIM][0] == 0x07


class TestSession:
    def test_files_are_read_beside_it(self, card):
        card.on_application()
        assert card.raw("00A4080C047FF06F07") == "9000"
        assert card.raw("00B0000009") == "FF" * 9 + "9000"
        assert card.store(card.subscriber()) == "9000"

    @pytest.mark.parametrize("away", [f"00A4040C10{ISIM}", f"00A4040C10{USIM}", "00A4080C027FF1", f"00A4040C08{ISD}"])
    def test_another_application_ends_it(self, card, away):
        card.on_application()
        assert card.raw(away) == "9000"
        assert card.store(card.subscriber()) == "6982"

    def test_a_reset_ends_it(self, card):
        card.on_application().card.power(cold=False)
        card.raw("00A4080C027FF0")
        assert card.store(card.subscriber()) == "6982"

    def test_a_part_that_came_in_one_session_is_there_in_the_next(self, card):
        card.on_application()
        assert card.store(card.secret(K_DGI, K), "28") == "9000"
        card.on_domain()
        assert card.store(dgi(ALGORITHM, "01") + card.secret(OPC_DGI, OPC)) == "9000"
        assert card.network()(STEP)[:2] == "DB"

    def test_on_another_channel(self, card):
        assert card.raw("0070000001") == "019000"
        card.channel = 1
        card.on_application()
        assert card.store(card.subscriber()) == "9000"
        assert card.raw("01A4080C027FF0") == "9000"
        assert card.raw("00A4080C027FF0") == "9000"
        assert card.network()(STEP)[:2] == "DB"

    def test_at_t0_with_get_response(self):
        card = Terminal(make_card(IMAGE, seed=1, protocol=0))
        assert card.raw(f"00A4040C10{USIM}") == "9000"
        card.challenge = bytes(range(8))
        assert card.raw(f"8050300008{card.challenge.hex()}") == "6120"
        greeting = bytes.fromhex(card.raw("80C0000020"))
        assert card.raw("00C0000020") == "6985"
        card.card.transmit, wire = (lambda command: wire(command[: 5 + command[4]])), card.card.transmit
        assert card.authenticate(greeting, 3) == "9000"
        assert card.store(card.subscriber()) == "9000"

    def test_the_older_protocol_has_its_own_key_for_data(self, card):
        """GPCS E.4.1: S-DEK; sensitive data are enciphered with it block by block (E.4.7)."""
        card.select(USIM)
        answer = card.greet(0x20)
        counter = answer[12:14]
        enc, mac, dek = (des(TEST_KEY, bytes((1, purpose)) + counter + bytes(12)) for purpose in (0x82, 0x01, 0x81))
        padding = b"\x80" + bytes(7)
        host = des(enc, answer[12:20] + card.challenge + padding)[-8:]
        header = bytes.fromhex("8482030010")
        chain = retail_mac(mac, header + host)
        assert card.raw((header + host + chain).hex()) == "9000"

        def ecb(value):
            return b"".join(des(dek, value[at : at + 8]) for at in (0, 8)).hex()

        plain = bytes.fromhex(dgi(ALGORITHM, "01") + dgi(K_DGI, ecb(K)) + dgi(OPC_DGI, ecb(OPC)))
        header = bytes.fromhex("84E2A800") + bytes((len(plain) + 8,))
        icv = des(mac[:8] * 2, chain)
        padded = plain + b"\x80" + bytes(-(len(plain) + 1) % 8)
        body = des(enc, padded) + retail_mac_from(mac, header + plain, icv)
        assert card.raw((header[:4] + bytes((len(body),)) + body).hex()) == "9000"
        assert card.network()(STEP)[:2] == "DB"


def retail_mac_from(key, data, icv):
    """ISO 9797-1 algorithm 3 from an initial value on."""
    data += b"\x80" + bytes(-(len(data) + 1) % 8)
    last = des(key[:8] * 2, data, icv)[-16:-8]
    return des(key, data[-8:], last)


def test_key_files_are_only_on_the_other_image(card):
    other = Terminal(make_card("usim-isim-5g", seed=1))
    for path in ("7FF0AF20", "7FF0AF30", "7FF1AF20", "7FF1AF30", "A5156F20", "A5156F21"):
        assert (card.file(path), other.file(path)) == ("6A82", "9000")
    assert card.file("A5156F0A") == "9000"
    other.select(USIM)
    assert other.raw("80E2880000") == "6D00"


class TestFaults:
    def test_another_key(self):
        card = Terminal(catalogue()["other-key"](make_card(IMAGE, seed=1)))
        assert card.on_application().store(card.subscriber()) == "9000"
        assert card.network()(STEP) == "9862"

    def test_a_key_that_is_answered_and_lost(self):
        card = Terminal(catalogue()["dropped-write"](make_card(IMAGE, seed=1), at=1))
        assert card.on_application().store(card.subscriber()) == "9000"
        assert card.network()(STEP) == "6985"

    def test_a_card_without_sequence_numbers_has_none_far_ahead(self):
        with pytest.raises(ImageError, match="without sequence numbers"):
            catalogue()["sqn-far-ahead"](make_card(IMAGE, seed=1))


class TestMemory:
    def test_it_outlives_its_process(self, tmp_path):
        chips = ChipDirectory(tmp_path, IMAGE)
        card = Terminal(chips.fresh())
        card.on_application().store(card.subscriber())
        assert card.network()(STEP)[:2] == "DB"
        again = Terminal(chips.open(card.card.serial))
        assert again.card.memory() == card.card.memory()
        assert again.network()(STEP)[:2] == "DC"
        assert again.on_application().store(dgi(ALGORITHM, "01")) == "6985"

    def test_the_last_block_is_taken_whole_or_not_at_all(self, card):
        card.on_application()
        before = {name: value for name, value in card.card.memory().items() if value}
        for step in range(1, 40):
            torn = copy.deepcopy(card)
            torn.card.cut_at(step)
            answer = torn.store(torn.subscriber())
            if answer == "9000":
                break
            assert answer == ""
            assert torn.raw("00A4000C023F00") == ""
            torn.card.power(cold=True)
            after = {name: value for name, value in torn.card.memory().items() if value}
            assert after == before
            assert torn.network()(STEP) == "6985"
            assert torn.on_application().store(torn.subscriber()) == "9000"
            assert torn.network()(STEP)[:2] == "DB"
        assert step > 4  # key, sqn, the registry, and the journal before and after

    def test_a_deleted_application_leaves_no_key(self, done):
        assert [cell for cell, value in done.card.memory().items() if K in value] == [f"app/{USIM}/key"]
        assert done.open(3, kvn=0x30) == "9000"
        assert done(f"80E40000{lv('4F' + lv(USIM))}") == "009000"
        assert not [cell for cell, value in done.card.memory().items() if K in value or OPC in value]
        assert done.raw(f"00A4040C10{USIM}") == "6A82"

    def test_torn_while_a_number_is_accepted(self, done):
        done.network()
        done.card.cut_at(1)
        assert done.network()(STEP) == ""
        done.card.power(cold=True)
        assert done.network()(STEP)[:2] == "DB"
