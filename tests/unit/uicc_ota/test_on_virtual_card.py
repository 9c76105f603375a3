"""Packets to the virtual card that takes them: two minds' reading of the same standards."""

from __future__ import annotations

import pytest

from cardkit import load_profile, open_card, plan, prepare, read_order
from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.install import for_install
from cardkit.apps.gp.tags import Privileges
from cardkit.apps.uicc.cat import Terminal
from cardkit.apps.uicc.client import UiccSession
from cardkit.apps.uicc.ota.judging import judge
from cardkit.apps.uicc.ota.ram import content_scripts
from cardkit.apps.uicc.ota.rfm import Script, plan_scripts
from cardkit.apps.uicc.ota.scripting import Coding, read_answer
from cardkit.apps.uicc.ota.sending import Postman
from cardkit.apps.uicc.ota.sms import MOST_PACKET
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import KeySetSpec
from cardkit.desired import Role
from cardkit.errors import SecureMessagingError
from cardkit.secure.counter import Counter
from cardkit.secure.scp80 import Scp80, terms_for
from cardkit.secure.spi import Spi

# Key sets of the image: 01 for 3DES, 02 for AES.
FAMILIES = {1: "3DES-128", 2: "AES-128"}
VALUES = {name: bytes(range(start, start + 16)) for name, start in (("kic", 0x10), ("kid", 0x20), ("kik", 0x30))}
MF_TAR, USIM_TAR = bytes.fromhex("B00000"), bytes.fromhex("B00011")
WRITE = [CommandAPDU.parse(bytes.fromhex(text)) for text in ("00A4000C022F05", "00D60000046465656E")]
READ = [*WRITE, CommandAPDU.parse(bytes.fromhex("00B0000004"))]


def scp80(spi="1619", kvn=1, *, wrong=False):
    values = {name: bytes(reversed(value)) if wrong else value for name, value in VALUES.items()}
    keys = {f"test:{name}": Key(value, name, FAMILIES[kvn], Usage.SECURE_CHANNEL) for name, value in values.items()}
    store, held = MemoryKeyStore(keys), KeySetSpec(kvn, "test:kic", "test:kid", "test:kik").for_card(b"")
    return Scp80(store, held, terms_for(store, held, Spi.parse(bytes.fromhex(spi))))


@pytest.fixture
def card():
    with open_card("virtual:usim-isim-5g", seed=5) as opened:
        yield opened


@pytest.mark.parametrize("kvn", FAMILIES)
@pytest.mark.parametrize("spi", ["1619", "1609", "1219", "1209", "1201", "1611", "0619", "0A09", "1E19"])
def test_a_script_is_executed_and_the_answer_proven(card, spi, kvn):
    protection = scp80(spi, kvn)
    postman = Postman(Terminal(card.channel), protection)
    counter = Counter(0)
    for coding in Coding:
        counter = counter.following(protection.terms.spi.counter)
        script = Script(MF_TAR, tuple(READ), (), coding)
        receipt = postman.send(MF_TAR, counter, script.content())

        assert [finding.rule for finding in judge(script, receipt)] == ([] if receipt.proven else ["OTA-002"])
        answer = read_answer(receipt.data, coding)
        assert (answer.executed, answer.responses[-1].data, answer.responses[-1].sw) == (3, b"deen", 0x9000)


def test_a_packet_is_taken_once(card):
    postman = Postman(Terminal(card.channel), scp80())
    content = Script(MF_TAR, tuple(WRITE), ()).content()

    assert not postman.send(MF_TAR, Counter(7), content).refused
    for counter, status in ((7, 2), (6, 2), (8, 0)):
        assert postman.send(MF_TAR, Counter(counter), content).status == status


def test_unknown_applications_and_too_little_protection(card):
    script = Script(bytes.fromhex("BFFFFF"), tuple(WRITE), ())
    receipt = Postman(Terminal(card.channel), scp80()).send(script.tar, Counter(1), script.content())
    assert [finding.rule for finding in judge(script, receipt)] == ["UICC-117"]

    plain = Script(MF_TAR, tuple(WRITE), ())
    receipt = Postman(Terminal(card.channel), scp80("1001")).send(MF_TAR, Counter(2), plain.content())
    assert [finding.rule for finding in judge(plain, receipt)] == ["UICC-116"]


def test_wrong_keys_change_nothing(card):
    terminal, content = Terminal(card.channel), Script(MF_TAR, tuple(WRITE), ()).content()
    with pytest.raises(SecureMessagingError):
        Postman(terminal, scp80(wrong=True)).send(MF_TAR, Counter(1), content)
    for spi, statuses in (("1601", (1, 5)), ("1201", (1,))):
        receipt = Postman(terminal, scp80(spi, wrong=True)).send(MF_TAR, Counter(1), content)
        assert receipt.status in statuses
        assert receipt.data == b""
        assert [finding.rule for finding in judge(Script(MF_TAR, (), ()), receipt)] == ["UICC-115"]
    session = UiccSession(card.channel)
    session.select((0x2F05,))
    assert session.read_binary(4) != b"deen"
    assert Postman(terminal, scp80()).send(MF_TAR, Counter(1), content).status == 0


def test_a_script_that_fails_says_where(card):
    missing = CommandAPDU.parse(bytes.fromhex("00A4000C026FFE"))
    script = Script(MF_TAR, (WRITE[0], missing, WRITE[1]), ())
    receipt = Postman(Terminal(card.channel), scp80()).send(MF_TAR, Counter(1), script.content())

    (finding,) = judge(script, receipt)
    assert finding.actual.startswith("command 2 (00A4000C): 6A82")


def test_long_packets_arrive_in_parts(card):
    many = Script(MF_TAR, tuple(WRITE * 25), ())
    assert len(many.content()) > 2 * MOST_PACKET
    receipt = Postman(Terminal(card.channel), scp80()).send(MF_TAR, Counter(1), many.content())

    assert judge(many, receipt) == []


def test_proof_of_receipt_as_a_message_of_the_card(card):
    terminal = Terminal(card.channel)
    terminal.profile()
    script = Script(MF_TAR, tuple(WRITE), ())
    receipt = Postman(terminal, scp80("1639")).send(MF_TAR, Counter(1), script.content())

    assert judge(script, receipt) == []
    assert [command.name for command in terminal.commands][-1] == "SEND SMS"


def test_proof_of_receipt_on_errors_only(card):
    postman = Postman(Terminal(card.channel), scp80("161A"))
    content = Script(MF_TAR, tuple(WRITE), ()).content()

    assert postman.send(MF_TAR, Counter(1), content) is None
    assert postman.send(MF_TAR, Counter(1), content).status == 2


def test_a_plan_arrives_over_the_air(card):
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    todo = plan(profile, record, prepare(profile, record, keystore, bytes), keystore)
    steps = [step for step in todo.steps if step.place == "ADF.USIM" and step.role is not Role.PRESENT]
    protection = scp80(kvn=2)
    scripts = plan_scripts(steps, todo.contents, {"ADF.USIM": USIM_TAR}, protection.room(MOST_PACKET)).scripts
    postman = Postman(Terminal(card.channel), protection)
    for number, script in enumerate(scripts, 1):
        assert judge(script, postman.send(script.tar, Counter(number), script.content())) == []

    session = UiccSession(card.channel)
    session.select_application(bytes.fromhex("A0000000871002"))
    session.select((0x7FFF, 0x6F07))
    assert session.read_binary(9) == todo.contents["ADF.USIM/EF.IMSI"]


def test_applications_are_made_and_deleted_over_the_air(card):
    package, module, instance = (bytes.fromhex(text) for text in ("F05647414C", "F05647414C01", "F05647414C0101"))
    protection = scp80()
    room = protection.room(MOST_PACKET)
    install = for_install((package, module), instance, Privileges()).command()
    commands = [install, Delete(instance).command()]
    postman = Postman(Terminal(card.channel), protection)
    for number, script in enumerate([s for command in commands for s in content_scripts([command], room)], 1):
        assert judge(script, postman.send(script.tar, Counter(number), script.content())) == []
    again = next(content_scripts(commands[1:], room))
    (finding,) = judge(again, postman.send(again.tar, Counter(9), again.content()))
    assert "6A88" in finding.actual
