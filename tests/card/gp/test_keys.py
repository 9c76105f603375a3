"""PUT KEY, GENERATE KEY, DELETE of keys, key-loading DGIs: every type, both readings, all of a command or none."""

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.virtual import make_card
from cardkit.virtual.gp import crypto

from .conftest import ISD, KEYS, SSD, TEST_KEY, Terminal, cbc, kcv, lv, tlv

SECRET = ec.derive_private_key(0x1234567890, ec.SECP256R1())
POINT = SECRET.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex().upper()


def information(terminal):
    """KVN -> {KID: the rest of C0} as GET DATA E0 shows it, on a channel of its own."""
    body = bytes.fromhex(terminal("80CA00E000")[:-4])
    found, at = {}, 2 + (body[1] - 0x80 if body[1] > 0x80 else 0)
    while at < len(body):
        kid, kvn = body[at + 2], body[at + 3]
        found.setdefault(kvn, {})[kid] = body[at + 4 : at + 2 + body[at + 1]].hex().upper()
        at += 2 + body[at + 1]
    return found


def cell(terminal, kvn, aid=ISD):
    return terminal.card.memory().get(f"keys/{aid}/{kvn:02X}")


class TestSets:
    def test_a_set_is_added_echoed_and_opens_a_session(self, opened):
        answer = opened.put_keys(0x30, *KEYS)
        assert answer == "30" + "".join(map(kcv, KEYS)) + "9000"
        shown = information(opened)
        assert shown[0x30] == {1: "8810", 2: "8810", 3: "8810"}
        assert 0xFF not in shown, "the initial set is gone"
        assert opened.open(kvn=0x30, keys=KEYS) == opened.open(keys=KEYS) == "9000"
        assert opened.greet(0xFF)[-2:].hex() == "6a88"

    def test_replaced_under_a_new_number(self, opened):
        assert opened.put_keys(0x30, *KEYS).endswith("9000")
        other = tuple(bytes((number,)) * 16 for number in (1, 2, 3))
        assert opened.open(keys=KEYS) == "9000"
        assert opened.put_keys(0x31, *other, replaced=0x30).endswith("9000")
        assert {0x30, 0x31} & information(opened).keys() == {0x31}
        assert opened.open(kvn=0x31, keys=other) == "9000"

    def test_counter_and_tries_start_anew(self, opened):
        opened.put_keys(0x30, *KEYS)
        for _ in range(3):
            opened.open(kvn=0x30, keys=KEYS)
        assert opened("80CA00C100") == "C1030000039000"
        assert opened.put_keys(0x30, *reversed(KEYS), replaced=0x30).endswith("9000")
        assert opened("80CA00C100") == "C1030000009000"

    @pytest.mark.parametrize(("size", "clear"), [(16, False), (24, True), (32, True), (32, False)])
    def test_aes_of_every_size_in_both_readings(self, opened, size, clear):
        key = bytes(range(size))
        body = cbc(opened.dek, key.ljust(-(-size // 16) * 16, b"\x5a")).hex()
        block = cbc(key, b"\x01" * 16)[:3].hex()
        data = "72" + "88" + lv((f"{size:02X}" if clear else "") + body) + "03" + block
        assert opened(f"80D80001{lv(data)}") == f"72{block.upper()}9000"
        assert information(opened)[0x72][1] == f"88{size:02X}"
        assert key in cell(opened, 0x72)

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            ("", "6A80"),
            ("30", "6A80"),
            ("3088", "6A80"),
            ("80881011", "6A80"),
            ("FF", "6A80"),
            ("00", "6A80"),
            ("308810" + "00" * 16 + "00", "6A80"),
            ("308810" + "00" * 16 + "03000000", "6982"),
            ("308810" + "00" * 16 + "02AABB", "6A80"),
            ("30880800112233445566770 3000000".replace(" ", ""), "6A80"),
            ("308910" + "00" * 16 + "00", "6A80"),
            ("30B041" + "04" + "00" * 64 + "F0010000", "6A80"),
            ("30B041" + POINT + "00", "6A80"),
            ("30B041" + POINT + "F0010900", "6A80"),
            ("30B041" + POINT + "F0010003AABBCC", "6A80"),
            ("30A10101A0010300", "6A80"),
        ],
    )
    def test_refusals_leave_nothing(self, opened, data, status):
        before = dict(opened.card.memory())
        assert opened(f"80D80001{lv(data)}" if data else "80D80001") == status
        assert opened.card.memory() == before

    def test_the_second_of_three_is_wrong(self, opened):
        good, bad = opened.key_data(KEYS[0]), opened.key_data(KEYS[1])[:-6] + "000000"
        before = dict(opened.card.memory())
        assert opened(f"80D80081{lv('30' + good + bad + good)}") == "6982"
        assert opened.card.memory() == before

    def test_several_keys_must_be_announced(self, opened):
        assert opened(f"80D80001{lv('30' + opened.key_data(*KEYS))}") == "6A80"

    def test_what_is_there_is_not_added_and_what_is_not_is_not_replaced(self, opened):
        assert opened.put_keys(0x30, *KEYS).endswith("9000")
        assert opened.put_keys(0x30, *KEYS) == "6A80"
        assert opened.put_keys(0x31, *KEYS, replaced=0x44) == "6A88"
        assert opened(f"80D83004{lv('30' + opened.key_data(KEYS[0]))}") == "6A88"

    def test_type_and_length_stay_on_replacement(self, opened):
        opened.put_keys(0x30, *KEYS)
        long = bytes(range(32))
        data = "30" + ("88" + lv("20" + cbc(opened.dek, long).hex()) + "03" + cbc(long, b"\x01" * 16)[:3].hex()) * 3
        assert opened(f"80D83081{lv(data)}") == "6A80"

    def test_des_keys_have_no_channel_here(self, opened):
        key = bytes(range(0x10, 0x20))
        data = "80" + lv(cbc(opened.dek, key).hex()) + "03"
        for kvn, status in ((0x20, "6A80"), (0x71, "9000")):
            answer = opened(f"80D80001{lv(f'{kvn:02X}{data}{des_kcv(key)}')}")
            assert answer[-4:] == status


def des_kcv(key):
    return Cipher(TripleDES(key + key[:8]), modes.ECB()).encryptor().update(bytes(8))[:3].hex()


class TestOtherKeys:
    def test_rsa_public_in_one_chained_command(self, opened):
        modulus = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n.to_bytes(128, "big").hex()
        data = bytes.fromhex("73A18180" + modulus + "A003010001" + "00")
        assert opened.send(bytes.fromhex("80D80001"), data) == "739000"
        assert information(opened)[0x73][1] == "A180A003"

    def test_a_length_of_256_shows_as_00(self, opened):
        modulus = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n.to_bytes(256, "big").hex()
        data = bytes.fromhex("73A1820100" + modulus + "A003010001" + "00")
        assert opened.send(bytes.fromhex("80D80001"), data) == "739000"
        assert information(opened)[0x73][1] == "A100A003"

    def test_extended_format_shows_usage_and_access(self, opened):
        key = KEYS[0]
        data = "70FF88" + lv("10" + cbc(opened.dek, key).hex()) + "03" + kcv(key) + "018101" + "02"
        assert opened(f"80D80001{lv(data)}") == f"70{kcv(key)}9000"
        assert information(opened)[0x70][1] == "FF88001001810102"

    def test_elliptic_curve_keys(self, opened):
        assert opened(f"80D80010{lv('03B0' + lv(POINT) + 'F0010000')}") == "039000"
        secret = SECRET.private_numbers().private_value.to_bytes(32, "big")
        data = "03B1" + lv("20" + cbc(opened.dek, secret).hex()) + "F0010000"
        assert opened(f"80D80011{lv(data)}") == "039000"
        assert information(opened)[3] == {0x10: "B040F000", 0x11: "B120F000"}

    def test_generated_keys_stay_inside(self, opened):
        answer = opened("80F100110403F00100")
        assert answer.startswith("B04104")
        assert len(answer) == 2 * (2 + 65) + 4
        assert opened("80F100120403F00100") == "6A86"
        assert opened("80F100110403F00104") == "6A80"
        assert opened("80F100110403F00100") == "6A80", "it is there already"
        assert opened("80F103110403F00100").startswith("B04104")
        assert opened("80F144110403F00100") == "6A88"

    def test_deleted_by_either_number(self, opened):
        opened.put_keys(0x30, *KEYS)
        assert opened("80F100110403F00100").endswith("9000")
        assert opened("80E4000006D00111D20103") == "009000"
        assert opened("80E4000003D20130") == "6985", "the last set"
        assert opened("80E4000103D20130") == "009000"
        assert set(information(opened)) == {0x01}
        assert cell(opened, 0x30) is None


class TestTries:
    WRONG = (b"\x00" * 16,) * 3

    def try_wrong(self, terminal):
        terminal.select()
        greeting = terminal.greet()
        if greeting[-2:] != b"\x90\x00":
            return greeting[-2:].hex().upper()
        return terminal.authenticate(greeting, 1, self.WRONG)

    def test_ten_wrong_ones_block_the_set_for_good(self, terminal):
        assert [self.try_wrong(terminal) for _ in range(12)] == ["6300"] * 10 + ["6983"] * 2
        terminal.card.power(cold=True)
        assert self.try_wrong(terminal) == "6983"

    def test_a_right_one_gives_all_tries_back(self, terminal):
        for _ in range(3):
            assert [self.try_wrong(terminal) for _ in range(9)] == ["6300"] * 9
            assert terminal.open() == "9000"

    def test_the_try_is_gone_before_the_answer(self, terminal):
        """Power lost at the write: nothing was compared. Power lost after it: the try stays spent."""
        terminal.select()
        greeting = terminal.greet()
        terminal.card.cut_at(1)
        assert terminal.authenticate(greeting, 1, self.WRONG) == ""
        terminal.card.power(cold=True)
        assert terminal.card.memory()[f"tries/{ISD}/FF"] == bytes.fromhex("00000001")
        assert self.try_wrong(terminal) == "6300"
        assert terminal.card.memory()[f"tries/{ISD}/FF"] == bytes.fromhex("01000002")


class TestKeyLoading:
    """11.11.4: DGI 00B9 describes, DGI 8113 brings."""

    def describe(self, *keys, kvn=0x30):
        blocks = "".join(
            tlv("B9", f"95013880018881011082{lv(f'{kid:02X}')}83{lv(f'{kvn:02X}')}84{lv(kcv(key))}")
            for kid, key in enumerate(keys, 1)
        )
        return f"00B9{lv(blocks)}"

    def secrets(self, terminal, *keys):
        return "".join(f"8113{lv(cbc(terminal.dek, key).hex())}" for key in keys)

    def test_a_set_for_another_domain(self, opened):
        assert opened.install_domain() == "009000"
        assert opened(f"80E62000{lv('0000' + lv(SSD) + '000000')}") == "009000"
        assert opened(f"80E20800{lv(self.describe(*KEYS))}") == "9000"
        assert cell(opened, 0x30, SSD) is None
        assert opened(f"80E28801{lv(self.secrets(opened, *KEYS))}") == "9000"
        assert all(key in cell(opened, 0x30, SSD) for key in KEYS)
        assert opened.open(kvn=0x30, keys=KEYS, aid=SSD) == "9000"

    def test_a_value_that_spans_blocks(self, opened):
        whole = self.describe(*KEYS) + self.secrets(opened, *KEYS)
        parts = [whole[:50], whole[50:202], whole[202:]]
        for number, part in enumerate(parts):
            assert opened(f"80E2{0x88 if number == 2 else 0x08:02X}{number:02X}{lv(part)}") == "9000"
        assert opened.open(kvn=0x30, keys=KEYS) == "9000"

    @pytest.mark.parametrize("case", ["no description", "check value", "missing key", "cut", "no blocks"])
    def test_refusals_leave_nothing(self, opened, case):
        secrets = self.secrets(opened, *KEYS)
        data, status = {
            "no description": (secrets, "6A80"),
            "check value": (self.describe(*reversed(KEYS)) + secrets, "6982"),
            "missing key": (self.describe(*KEYS) + self.secrets(opened, *KEYS[:2]), "6A80"),
            "cut": ((self.describe(*KEYS) + secrets)[:-2], "6A80"),
            "no blocks": (self.describe(*KEYS) + "8113" + lv("00" * 15), "6A80"),
        }[case]
        before = dict(opened.card.memory())
        assert opened(f"80E28800{lv(data)}") == status
        assert opened.card.memory() == before

    def test_keys_of_other_types(self, opened):
        private = rsa.generate_private_key(65537, 1024).private_numbers()
        public = private.public_numbers
        parts = {
            0x8121: private.iqmp, 0x8122: private.dmq1, 0x8123: private.dmp1, 0x8124: private.q, 0x8125: private.p,
        }  # fmt: skip
        description = tlv("B9", "8001A481028000" + "82010183010A")
        data = f"00B9{lv(description)}"
        for tag, number in parts.items():
            secret = cbc(opened.dek, number.to_bytes(64, "big")).hex()
            data += f"{tag:04X}{lv(secret)}"
        data += f"00B9{lv(tlv('B9', '8001A181020080' + '82010283010A'))}"
        data += f"0010{lv(public.n.to_bytes(128, 'big').hex())}0011{lv('010001')}"
        data += f"00B9{lv(tlv('B9', '8001B0810120' + '82010383010A'))}0036{lv(POINT)}"
        secret = SECRET.private_numbers().private_value.to_bytes(32, "big")
        data += f"00B9{lv(tlv('B9', '8001B1810120' + '82010483010A'))}8137{lv(cbc(opened.dek, secret).hex())}"
        assert opened.send(bytes.fromhex("80E28800"), bytes.fromhex(data)) == "9000"
        assert set(information(opened)[0x0A]) == {1, 2, 3, 4}


def test_scp02_keys_travel_under_their_session_key():
    """The other image: 3DES keys under ECB with the session DEK (GPCS E.4.7), a set that opens SCP02."""
    terminal = Terminal(make_card("gp-scp02", seed=1))
    terminal.select()
    greeting = terminal.greet()
    assert greeting[10:12].hex() == "ff02"
    sequence, challenge, host = greeting[12:14], greeting[14:20], bytes(range(8))

    def derived(constant):
        return crypto.des3_cbc(TEST_KEY, bytes.fromhex(constant) + sequence + bytes(12))

    enc, mac, dek = derived("0182"), derived("0101"), derived("0181")
    assert challenge == crypto.retail_mac(mac, bytes.fromhex(ISD))[:6], "i=55: well-known pseudo-random"
    assert greeting[20:28] == crypto.full_mac(enc, host + sequence + challenge)
    cryptogram = crypto.full_mac(enc, sequence + challenge + host)
    icv = crypto.retail_mac(mac, bytes.fromhex("8482010010") + cryptogram)
    assert terminal.raw("8482010010" + (cryptogram + icv).hex()) == "9000"
    body = bytes.fromhex("20") + b"".join(
        b"\x80\x10" + crypto.des3_ecb(dek, key) + b"\x03" + bytes.fromhex(des_kcv(key)) for key in KEYS
    )
    header = bytes.fromhex("84D80081") + bytes((len(body) + 8,))
    icv = crypto.retail_mac(mac, header + body, crypto.des_ecb(mac[:8], icv))
    answer = terminal.raw((header + body + icv).hex() + "00")
    assert answer == "20" + "".join(des_kcv(key) for key in KEYS).upper() + "9000"
    assert f"keys/{ISD}/FF" not in terminal.card.memory()
    terminal.select()
    assert terminal.greet(0x20)[10:14].hex() == "20020000"
