"""Every authentication algorithm from profile to proof, on virtual cards and on a chip made here.

That chip reads what was written into its key files and answers AUTHENTICATE accordingly (TS 31.102 7.1.2, 33.102 6.3);
it lies where it is told to.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import shutil
from importlib.resources import files

import msgspec
import pytest

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.milenage import Milenage
from cardkit.apps.uicc.sqn import SqnArray, SqnPolicy, make_auts
from cardkit.apps.uicc.tuak import Tuak
from cardkit.crypto.aka import MilenageConstants, xor
from cardkit.crypto.comp128 import Comp128
from cardkit.crypto.tuak import TuakParameters
from cardkit.desired import Severity
from cardkit.errors import ProfileError
from cardkit.perso import Verdict, personalize, verify
from cardkit.perso.planner import compiled
from cardkit.profile import load_profile, read_order
from cardkit.virtual import VirtualCard

from .conftest import USIM_TEST, Job

KEY_FILE = CATALOGUE["ADF.USIM/EF.USIM_AUTH_KEY"]
ALL = ["milenage", "tuak", "xor", "comp128v1", "comp128v2", "comp128v3", "xor-2g"]
AUTH = 'algorithm = "milenage"\nk = "{ki}"\nopc = "{opc}"\n'
MILENAGE = 'algorithm = "milenage"\nopc = "{opc}"'
CONSTANTS = {"r": [8, 17, 24, 127, 40], "c": [f"{n:032x}" for n in (16, 32, 64, 128, 256)]}
OK = b"\x90\x00"


@pytest.fixture
def product(tmp_path):
    """``product(auth, ...)``: the test USIM with another ``[uicc.auth]``, on a chip that can do it."""

    def make(auth, *, opc_bytes=16, key_bytes=33, slots=("ADF.USIM", "DF.GSM", "ADF.ISIM"), constants=False):
        folder = tmp_path / hashlib.sha256(auth.encode()).hexdigest()[:8]
        shutil.copytree(USIM_TEST, folder)
        text = (folder / "profile.toml").read_text(encoding="utf-8")
        if opc_bytes == 32:
            text = text.replace(
                'opc = { type = "key", algorithm = "AES-128"', 'opc = { type = "key", algorithm = "AES-256"'
            )
            order = (folder / "order.csv").read_text(encoding="utf-8")
            (folder / "order.csv").write_text(order.replace(",50515253", ",000102030405060708090A0B0C0D0E0F50515253"))
        assert AUTH in text
        for name in ("amf", "sqn_start", "ind"):
            if re.search(f"^{name} =", auth, re.MULTILINE):
                text = re.sub(f"^{name} = .*\n", "", text, flags=re.MULTILINE)
        (folder / "profile.toml").write_text(text.replace(AUTH, 'k = "{ki}"\n' + auth + "\n"), encoding="utf-8")
        profile = load_profile(folder)
        table = msgspec.to_builtins(profile.chip.blocks["uicc"])
        table["keys"] = {place: {**table["keys"][place], "algorithms": ALL} for place in slots}
        for slot in table["keys"].values():
            table["files"][slot["file"]]["size"] = key_bytes
        if constants:
            table["files"]["DF.SYSTEM/EF.MILENAGE_CFG"] = {"fid": "6F21", "size": 85, "access": "secret"}
            table["constants"] = "DF.SYSTEM/EF.MILENAGE_CFG"
        block = msgspec.convert(table, type(profile.chip.blocks["uicc"]))
        chip = msgspec.structs.replace(profile.chip, blocks={"uicc": block})
        digest = hashlib.sha256(msgspec.json.encode(table) + profile.sha256).digest()
        profile = dataclasses.replace(profile, chip=chip, sha256=digest)
        keystore = profile.test_keystore()
        order = read_order(profile, folder / "order.csv", keystore)
        assert not order.quarantined
        return Job(profile, keystore, tuple(order.records))

    return make


class OtherChip:
    """Takes key files and challenges, leaves the rest to the virtual card."""

    def __init__(self):
        self.directory, self.file = b"", b""
        self.keys = {}
        self.constants = None
        self.sqn = {}
        self.lie = 0

    def __call__(self, number, command, card):
        ins, data = command[1], command[5 : 5 + command[4]] if len(command) > 5 else b""
        if ins == 0xA4:
            self.selected(command[2], data)
        if self.file in (b"\xaf\x20", b"\x6f\x21") or (self.directory, self.file) == (b"\xa5\x15", b"\x6f\x20"):
            if ins == 0xD6:
                return self.written(data)
            command = command.replace(b"\x6f\x21", b"\x6f\x20")  # the virtual card has no file for constants
        return self.answered(command[3], data) if ins == 0x88 else card.transmit(command)

    def selected(self, p1, data):
        if p1 == 4 or (p1 == 8 and len(data) == 2):
            self.directory, self.file = data, b""
        elif p1 == 8:
            self.directory, self.file = data[:2], data[2:]
        else:
            self.file = data

    def written(self, data):
        if self.file == b"\x6f\x21":
            self.constants = MilenageConstants(tuple(data[:5]), tuple(data[i : i + 16] for i in range(5, 85, 16)))
        else:
            self.keys[self.directory] = KEY_FILE.decode(data)
        return OK

    def functions(self):
        keys = self.keys[b"\xa5\x15" if self.directory == b"\x7f\x20" else self.directory]
        k, opc = bytes.fromhex(keys["k"]), bytes.fromhex(keys["opc"])
        if keys["algorithm"] == "TUAK":
            size, res = (256 if keys["tuak"] & 0x40 else 128), (32, 64, 128, 256)[keys["tuak"] & 7]
            return Tuak(
                k,
                opc,
                TuakParameters((64, 128, 256)[keys["tuak"] >> 3 & 7], res, size, size, keys["keccak_iterations"]),
            )
        if keys["algorithm"] == "Milenage":
            return Milenage(k, opc, self.constants) if self.constants else Milenage(k, opc)
        assert opc == bytes(16)
        return Comp128(int(keys["algorithm"][-1]), k)

    def answered(self, context, data):
        functions, rand = self.functions(), data[1:17]
        if context == 0x80:
            sres, kc = functions.a3a8(rand)
            return b"\x04" + sres + b"\x08" + kc + OK
        autn = data[18:]
        sqn = xor(autn[:6], functions.f5(rand))
        if functions.f1(sqn, rand, autn[6:8]) != autn[8:]:
            return b"\x98\x62"
        start = 32 if self.directory.startswith(bytes.fromhex("A0000000871002")) else 0
        array = self.sqn.setdefault(self.directory, SqnArray(SqnPolicy(), start))
        number = int.from_bytes(sqn, "big")
        if not array.accepts(number):
            return b"\xdc\x0e" + make_auts(functions, rand, array.sqn_ms) + OK
        array.take(number)
        answer = bytearray(b"\xdb")
        for value in (functions.f2(rand), functions.f3(rand), functions.f4(rand), *self.kc(functions, rand)):
            answer += bytes((len(value),)) + value
        answer[1 + self.lie] ^= 1 if self.lie else 0
        return bytes(answer) + OK

    @staticmethod
    def kc(functions, rand):
        return () if len(functions.f3(rand)) == 32 else (functions.a3a8(rand)[1],)


def rules(outcome):
    return sorted({(finding.rule, finding.actual) for finding in outcome.findings})


@pytest.mark.parametrize(
    ("auth", "findings"),
    [
        ('algorithm = "xor"\naccept = ["xor"]', [("UICC-097", "xor")]),
        (f'{MILENAGE}\ngsm_algorithm = "xor-2g"\naccept = ["xor"]', [("UICC-097", "xor-2g")]),
        (f"{MILENAGE}\nsres_variant = 2", []),
        (f"{MILENAGE}\nage_limit = 1000", []),
        ('algorithm = "milenage"\nop = "{opc}"', []),
        (f"{MILENAGE}\ndelta = 1000\nprobe_delta = true", []),
        (f'{MILENAGE}\ngsm_algorithm = "comp128v1"\naccept = ["comp128v1"]', [("UICC-097", "comp128v1")]),
        (f'{MILENAGE}\ngsm_algorithm = "comp128v2"', []),
        (f'{MILENAGE}\ngsm_algorithm = "comp128v3"', []),
    ],
)
def test_algorithms_of_the_virtual_card(product, tap, auth, findings):
    job = product(auth)
    _, card = tap()
    outcome = personalize(job.plan(), card, job.keystore)
    assert (outcome.reject, outcome.verdict) == (None, Verdict.GOOD)
    assert rules(outcome) == findings
    spent = ("UICC-091", "not checked: the reserved SQN is spent")
    told = rules(verify(job.plan(), card, job.keystore))
    assert [item for item in told if item == spent or not item[1].startswith("not checked")] == sorted(
        [*findings, spent]
    )


def test_xor_that_nobody_has_asked_for_makes_no_good_card(product, tap):
    job = product('algorithm = "xor"')
    _, card = tap()
    outcome = personalize(job.plan(), card, job.keystore)
    assert (outcome.verdict, rules(outcome)) == (Verdict.BAD, [("UICC-097", "xor")])


TUAK = 'algorithm = "tuak"\nopc = "{opc}"'
WIDE = [
    (TUAK, (32, 51)),
    ('algorithm = "tuak"\nop = "{opc}"\ntuak = { iterations = 3, res_bits = 128 }', (32, 51)),
    (f"{TUAK}\ntuak = {{ res_bits = 32 }}\nsres_variant = 2", (32, 51)),
    (f"{MILENAGE}\nmilenage = {{ r = {CONSTANTS['r']}, c = {CONSTANTS['c']} }}", (16, 33)),
]


@pytest.fixture(scope="session")
def wide_image(tmp_path_factory):
    """The virtual USIM with key files of 67 bytes and one for the constants of Milenage."""
    text = (files("cardkit.virtual") / "images" / "usim.toml").read_text(encoding="utf-8")
    text, changed = re.subn(r'(AUTH_KEY", size = )33', r"\g<1>67", text)
    assert changed == 3
    constants = '"3F00/A515/6F21" = { name = "EF.MILENAGE_CFG", size = 85, access = "key" }\n'
    text = text.replace('"3F00/A515/6F01" ', constants + '"3F00/A515/6F01" ')
    text = re.sub(r"(\[\[authenticate\]\].*\n)", r'\g<1>constants = "3F00/A515/6F21"\n', text)
    path = tmp_path_factory.mktemp("image") / "wide.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("auth", "sizes"), WIDE)
def test_algorithms_of_a_virtual_card_with_room(product, tap, wide_image, auth, sizes):
    job = product(auth, opc_bytes=sizes[0], key_bytes=sizes[1], constants="r =" in auth)
    _, card = tap(chip=VirtualCard(wide_image, seed=1))
    outcome = personalize(job.plan(), card, job.keystore)
    assert (outcome.reject, outcome.verdict, rules(outcome)) == (None, Verdict.GOOD, [])


@pytest.mark.parametrize(("auth", "sizes"), WIDE[:2] + WIDE[3:])
def test_algorithms_of_another_chip(product, tap, auth, sizes):
    job = product(auth, opc_bytes=sizes[0], key_bytes=sizes[1], constants="r =" in auth)
    chip = OtherChip()
    _, card = tap(chip)
    outcome = personalize(job.plan(), card, job.keystore)
    assert (outcome.reject, outcome.verdict, rules(outcome)) == (None, Verdict.GOOD, [])
    assert len(chip.keys) == 3
    assert (chip.constants is not None) == ("r =" in auth)
    assert outcome.facts["SQN ADF.USIM"] == "64"


def test_a_card_that_follows_any_leap_is_found(product, tap):
    """The chip checks SQN against what it took, and no delta: it takes 2^28 for the profile's 1000."""
    job = product(f"{MILENAGE}\ndelta = 1000\nprobe_delta = true")
    _, card = tap(OtherChip())
    outcome = personalize(job.plan(), card, job.keystore)
    assert outcome.verdict is Verdict.BAD
    assert rules(outcome) == [("UICC-094", "an SQN that leaps beyond delta was accepted: the card is spent")]


def test_tuak_with_keys_of_256_bits(product, tap, wide_image):
    """No Kc: services and slots that need one are refused, so this product has neither."""
    auth = 'algorithm = "tuak"\nopc = "{opc}"\ntuak = { key_bits = 256 }'
    job = product(auth, opc_bytes=32, key_bytes=51)
    with pytest.raises(ProfileError, match="key_bits: there is no Kc"):
        compiled(job.profile)
    job = product(auth + "\n", opc_bytes=32, key_bytes=51, slots=("ADF.USIM", "ADF.ISIM"))
    with pytest.raises(ProfileError, match="key_bits: there is no Kc"):
        compiled(job.profile)  # service 27 is on
    block = job.profile.blocks["uicc"]
    services = [number for number in block.files["ADF.USIM/EF.UST"]["services"] if number != 27]
    files = {**block.files, "ADF.USIM/EF.UST": {"services": services}}
    blocks = {"uicc": msgspec.structs.replace(block, files=files)}
    job = Job(dataclasses.replace(job.profile, blocks=blocks, sha256=bytes(32)), job.keystore, job.records)
    for seam in (tap(OtherChip()), tap(chip=VirtualCard(wide_image, seed=1))):
        assert personalize(job.plan(), seam[1], job.keystore).verdict is Verdict.GOOD


@pytest.mark.parametrize("at", [2, 11, 28])
def test_a_tuak_chip_with_one_wrong_answer_is_found(product, tap, at):
    """RES, CK, IK."""
    job = product('algorithm = "tuak"\nopc = "{opc}"', opc_bytes=32, key_bytes=51)
    chip = OtherChip()
    chip.lie = at
    _, card = tap(chip)
    outcome = personalize(job.plan(), card, job.keystore)
    assert outcome.verdict is not Verdict.GOOD
    assert outcome.reject is not None


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ('algorithm = "comp128v3"', "comp128v3 is for 2G only, ADF.USIM needs one of milenage, tuak, xor"),
        (
            f'{MILENAGE}\ngsm_algorithm = "comp128v1"',
            'comp128v1 gives Ki away; who must have it says accept = ["comp128v1"]',
        ),
        ('algorithm = "milenage"', "milenage needs opc or op, got neither"),
        (f'{MILENAGE}\nop = "{{opc}}"', "milenage needs opc or op, got opc and op"),
        ('algorithm = "xor"\nopc = "{opc}"', "uicc.auth.opc: xor has no such key"),
        ('algorithm = "xor"\nop = "{opc}"', "uicc.auth.op: xor has no such key"),
        (f"{MILENAGE}\nmilenage = {{ r = {CONSTANTS['r']}, c = {CONSTANTS['c']} }}", "no file for constants"),
        (f"{MILENAGE}\nind = 32", "IND must be 0 to 31, got 32"),
        (f"{MILENAGE}\nind_bits = 16", "IND must have 0 to 15 bits, got 16"),
        (f"{MILENAGE}\ndelta = {1 << 43}", "delta must be 0 to 2^43-1"),
        (f"{MILENAGE}\nage_limit = -1", "age_limit must be 0 to 2^43-1, got -1"),
        (f"{MILENAGE}\nsqn_start = {1 << 48}", "SQN must be 0 to 2^48-1"),
        (f'{MILENAGE}\namf = "80"', "amf must be 2 bytes, got 1"),
        (f'{MILENAGE}\namf = "80x0"', "must be hexadecimal digits"),
    ],
)
def test_what_a_profile_must_not_ask_for(product, auth, said):
    with pytest.raises(ProfileError) as caught:
        compiled(product(auth).profile)
    assert said in str(caught.value)


def test_constants_that_are_none(product):
    for constants in (
        {**CONSTANTS, "r": [128, 0, 32, 64, 96]},
        {**CONSTANTS, "c": ["00"] * 5},
        {**CONSTANTS, "c": ["xx"] * 5},
    ):
        auth = f"{MILENAGE}\nmilenage = {{ r = {constants['r']}, c = {constants['c']} }}"
        with pytest.raises(ProfileError, match=r"uicc\.auth: (Milenage|amf and the constants)"):
            compiled(product(auth, constants=True).profile)


def test_a_chip_that_cannot_do_it(job):
    auth = msgspec.structs.replace(job.profile.blocks["uicc"].auth, algorithm="tuak")
    blocks = {"uicc": msgspec.structs.replace(job.profile.blocks["uicc"], auth=auth)}
    profile = dataclasses.replace(job.profile, blocks=blocks, sha256=b"\1" * 32)
    with pytest.raises(ProfileError, match=r"tuak in ADF\.USIM: this chip does milenage, xor there"):
        compiled(profile)


def test_a_2g_algorithm_for_no_key_file(product):
    job = product(f'{MILENAGE}\ngsm_algorithm = "comp128v3"', slots=("ADF.USIM", "ADF.ISIM"))
    with pytest.raises(ProfileError, match="gsm_algorithm: no key file of this chip is for comp128v3"):
        compiled(job.profile)


def test_a_product_for_2g_alone(product, tap):
    job = product('algorithm = "comp128v3"', slots=("DF.GSM",))
    _, card = tap(OtherChip())
    outcome = personalize(job.plan(), card, job.keystore)
    assert (outcome.reject, outcome.verdict, rules(outcome)) == (None, Verdict.GOOD, [])


@pytest.mark.parametrize(
    ("k", "said"),
    [("465B5CE8B199B49FAA5F0A2EE238A6BC", "K: a published test key"), ("11" * 16, "K: one byte over and over")],
)
def test_keys_that_everybody_knows_are_found_unless_the_product_is_to_have_them(product, tap, k, said):
    for accept, expected in (("", [("UICC-098", said)]), ('\naccept = ["test-keys"]', [])):
        job = product(MILENAGE + accept)
        order = job.profile.path.parent / "order.csv"
        order.write_text(
            order.read_text(encoding="utf-8").replace("404142434445464748494A4B4C4D0001", k), encoding="utf-8"
        )
        job = dataclasses.replace(job, records=tuple(read_order(job.profile, order, job.keystore).records))
        _, card = tap()
        outcome = personalize(job.plan(), card, job.keystore)
        assert rules(outcome) == expected
        assert [finding.severity for finding in outcome.findings] == [Severity.ERROR] * len(expected)
