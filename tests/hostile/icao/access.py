"""Units A, B, D, E, O, Q, S, T, U: files before, inside and after a session; C: BAC; R: active authentication."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.emrtd.active_auth import authenticate_actively
from cardkit.apps.emrtd.bac import open_by_bac
from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.groups import parse_dg15
from cardkit.apps.emrtd.lds import FILES
from cardkit.apps.emrtd.oids import Mapping
from cardkit.apps.emrtd.pace import offers, open_by_pace
from cardkit.channel import Channel
from cardkit.crypto.documentkeys import basic_access_keys, basic_access_request
from cardkit.crypto.secret import Secret
from cardkit.errors import CardError, SecureMessagingError
from cardkit.secure.icao import IcaoSession
from tests.hostile.icao.cases import Case, Step, is_fine
from tests.hostile.icao.terminals import authenticate
from tests.unit.emrtd.passport import MRZ, Document
from tests.unit.emrtd.test_border_reader import BY_MRZ

ZONE = Secret(MRZ.information.encode(), "MRZ")
ZONE_OF_ANOTHER = b"L898902C<369080619406236"
AID = bytes.fromhex("A0000002471001")
OFFSET_0 = bytes.fromhex("54020000")
CLOSED_UNTIL = "not readable"


class Bench:
    """A document on the bench, freshly powered."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.channel: Channel = document.make()
        self.client = DocumentClient(self.channel)
        self.chip_id = b""

    def plain(self, command: CommandAPDU) -> ResponseAPDU:
        """Send a command as it is, whatever session there is."""
        secure, self.channel.secure = self.channel.secure, None
        try:
            return self.channel.send(command)
        finally:
            self.channel.secure = secure

    def open_bac(self) -> None:
        self.client.select_application()
        open_by_bac(self.client, ZONE, secrets.token_bytes)

    def open_pace(self, *, application: bool, without: Mapping | None = None) -> None:
        """Open by the best way there is, one mapping left out."""
        self.client.select_master_file()
        offer = next(one for one in offers(self.document.access()) if one[0].mapping is not without)
        self.chip_id = open_by_pace(self.client, offer, BY_MRZ, secrets.token_bytes).chip_id
        if application:
            self.client.select_application()

    def session(self) -> IcaoSession:
        assert self.client.session is not None
        return self.client.session

    def inside(self, command: CommandAPDU) -> int:
        """Return the status word of a protected command; 0 where the chip ends the session."""
        try:
            return self.channel.send(command).sw
        except SecureMessagingError:
            return 0


@dataclass(frozen=True)
class Answer:
    word: int
    data: bytes = b""


def run_access(case: Case, document: Document) -> str:
    """Return why a document does not pass; empty where it does."""
    bench = Bench(document)
    _prepare(case, bench)
    for number, step in enumerate(case.steps, 1):
        answer = _send(bench, step)
        reason = _judged(case, step, answer, last=number == len(case.steps))
        if reason:
            return f"step {number}: {reason}"
    if case.refusing and CLOSED_UNTIL in case.purpose:
        after = bench.plain(CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=8))
        return f"a read gives {len(after.data)} bytes" if after.data else ""
    return ""


def _prepare(case: Case, bench: Bench) -> None:
    """Bring the document where the case begins; where terminals read a group, one is authenticated."""
    _open(case, bench)
    if bench.document.cvca:
        authenticate(bench.client, bench.document, bench.chip_id)


def _open(case: Case, bench: Bench) -> None:
    number = int(case.id.rpartition("_")[2])
    if case.unit in ("ISO7816_D", "ISO7816_E") or (case.unit == "ISO7816_B" and number > 36):
        if case.unit == "ISO7816_B" or not bench.document.pace:
            bench.open_bac()
        else:
            bench.open_pace(application=True)
    elif case.unit == "ISO7816_O" and number > 36 and number not in (55, 56):
        cards = number in (57, 58)
        bench.open_pace(application=not cards, without=Mapping.ECDH_CAM if number == 58 else None)
    elif case.unit == "ISO7816_S" and not case.refusing:
        bench.open_pace(application=False)
    elif case.unit == "ISO7816_B":
        bench.client.select_application()
    else:
        bench.client.select_master_file()


def _send(bench: Bench, step: Step) -> Answer:
    if not step.protected:
        response = bench.plain(CommandAPDU.parse(bytes.fromhex(step.template)))
        return Answer(response.sw, response.data)
    try:
        response = bench.channel.send(protected(step))
    except SecureMessagingError:
        return Answer(0)
    return Answer(response.sw, response.data)


def protected(step: Step, data: bytes = b"") -> CommandAPDU:
    """Return the plain command of a protected one, to be protected again."""
    template = step.template.replace("<FID.EF.CVCA>", "01 1C").replace("(80 OR <SFI.EF.CARDACCESS>)", "9C")
    _, ins, p1, p2 = bytes.fromhex("".join(template.split()[:4]))
    expected = re.search(r"97 01 ([0-9A-F]{2})", template)
    ne = (int(expected[1], 16) or 256) if expected else 0
    if ins == 0xA4 and p1 == 0x04:
        data = AID
    elif ins == 0xA4:
        data = _identifier(step)
    elif ins == 0xB1:
        data = OFFSET_0
    return CommandAPDU(0x00, ins, p1, p2, data, ne)


def _identifier(step: Step) -> bytes:
    words = step.file.split()
    if words and words[-1] not in FILES:
        return bytes.fromhex(words[-1])
    return FILES[words[0]].fid.to_bytes(2, "big") if words else FILES["EF.CardSecurity"].fid.to_bytes(2, "big")


def _judged(case: Case, step: Step, answer: Answer, *, last: bool) -> str:
    got = f"{len(answer.data)} bytes, {answer.word:04X}"
    if "must fail" in step.note or (last and case.refusing):
        selects = step.template.startswith("00 A4")  # it may be selected: the read is what must fail
        return "" if selects or not is_fine(answer.word) else f"{got}, expected an error"
    if case.refusing and CLOSED_UNTIL in case.purpose and step.template.startswith("00 A4"):
        return ""
    if not is_fine(answer.word):
        return f"{got}, expected 9000"
    if step.prefix and not answer.data.startswith(step.prefix):
        return f"{got}, expected data that begin with {step.prefix.hex()}"
    reads = "B0" in step.template[3:5] or "B1" in step.template[3:5]
    return "" if answer.data or not reads else f"{got}, expected data"


# Units C and R


def run_basic_access(case: Case, document: Document) -> str:
    """Return why a document does not pass a case of unit C; empty where it does."""
    bench = Bench(document)
    bench.client.select_application()
    number = int(case.id.rpartition("_")[2])
    if number < 8:
        return _authentication(number, bench)
    open_by_bac(bench.client, ZONE, secrets.token_bytes)
    if number in (8, 9, 10, 11):
        return _coded(case, bench)
    if number == 16:
        bench.plain(CommandAPDU.parse(bytes.fromhex(case.steps[0].template)))
        closed = not is_fine(bench.inside(CommandAPDU(0x00, 0xB0, 0x9E, 0x00, ne=6)))
        given = bench.plain(CommandAPDU(0x00, 0xB0, 0x9E, 0x00, ne=6)).data
        return "" if closed and not given else "protected data are still given"
    return _broken(number, case, bench)


def _authentication(number: int, bench: Bench) -> str:
    keys = basic_access_keys(Secret(ZONE_OF_ANOTHER, "MRZ") if number == 3 else ZONE)

    def authenticate(challenge: bytes, *, corrupted: bool = False) -> int:
        request = basic_access_request(keys, secrets.token_bytes(8) + challenge, Secret(secrets.token_bytes(16), "BAC"))
        data = request[:-1] + bytes((request[-1] ^ 1,)) if corrupted else request
        return bench.plain(CommandAPDU(0x00, 0x82, 0x00, 0x00, data, 40)).sw

    if number == 4:
        words = [authenticate(bytes(8))]
        first, _ = bench.client.get_challenge(), bench.client.get_challenge()
        words.append(authenticate(first))
        return f"{words}" if any(map(is_fine, words)) else ""
    challenge = bench.client.get_challenge()
    if number == 1:
        return "" if challenge != bench.client.get_challenge() else "the same challenge twice"
    word = authenticate(challenge, corrupted=number == 6)
    return "" if is_fine(word) == (number == 2) else f"{word:04X}"


def _coded(case: Case, bench: Bench) -> str:
    for step in case.steps:
        word = bench.inside(protected(step))
        if not is_fine(word):
            return f"{step.template}: {word:04X}, expected 9000"
    return ""


def _broken(number: int, case: Case, bench: Bench) -> str:
    """Send a command without checksum, with a corrupted one, with another counter; then a right one."""
    session, step = bench.session(), case.steps[0]
    if number == 14:
        session.wrap(protected(step))  # never sent
    wrapped = session.wrap(protected(step))
    data = wrapped.data
    assert isinstance(data, bytes)
    if number in (12, 17):
        wrapped = replace(wrapped, data=data[:-10])
    elif number in (13, 18):
        wrapped = replace(wrapped, data=data[:-1] + bytes((data[-1] ^ 1,)))
    word = bench.plain(wrapped).sw
    if is_fine(word) or (step.words and word not in step.words):
        return f"{word:04X}, expected an error"
    return "the session goes on" if is_fine(bench.inside(protected(case.steps[1]))) else ""


def run_active(case: Case, document: Document) -> str:
    """Return why a document does not pass a case of unit R; empty where it does."""
    bench = Bench(document)
    if case.id.endswith("_2") or not document.pace:
        bench.open_bac()
    else:
        bench.open_pace(application=True)
    if case.refusing:
        challenge = bytes.fromhex(case.steps[0].note.removeprefix("RND.IFD "))
        word = bench.inside(CommandAPDU(0x00, 0x88, 0x00, 0x00, challenge, 256))
        return f"{word:04X}" if is_fine(word) else ""
    try:
        key = parse_dg15(document.files()["EF.DG15"])
        authenticate_actively(bench.client, key, document.infos(), secrets.token_bytes)
    except CardError as error:
        return str(error)
    return ""
