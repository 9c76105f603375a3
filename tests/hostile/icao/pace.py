"""Unit P: PACE step by step, each case with its own wrong or border value."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.oids import Mapping
from cardkit.apps.emrtd.pace import ALGORITHMS, offers
from cardkit.apps.emrtd.tokens import authentication_token
from cardkit.crypto.documentkeys import mac, messaging_keys, password_key
from cardkit.crypto.groups import Group, KeyPair
from cardkit.crypto.pace import decrypted_nonce, pseudo_random_number, terminal_nonce_bytes
from cardkit.encoding import der, tlv
from cardkit.secure.icao import IcaoSession
from tests.hostile.icao.access import Bench, protected
from tests.hostile.icao.cases import Case, is_fine
from tests.unit.emrtd.passport import Document
from tests.unit.emrtd.test_border_reader import BY_CAN, BY_MRZ

STEPS = ("MSE", "Encrypted nonce", "Mapping", "Key agreement", "Tokens")
MOST_TRIES = 4_000
UNKNOWN_PROTOCOL = bytes.fromhex("04007F00070202090909")
NOT_OFFERED = bytes.fromhex("04007F00070202040103")
Change = Callable[[Group, bytes], bytes]


def changed_key(purpose: str) -> Change | None:
    """Return how a key of the terminal is changed for a case; None where it is not."""
    changes: dict[str, Change] = {
        "of another size": lambda group, key: key[:-1],
        "(0,0)": lambda group, key: key[:1] + bytes(len(key) - 1),
        "all zero": lambda group, key: bytes(len(key)),
        "above the prime": lambda group, key: (
            _head(key, group) + group.prime.to_bytes(group.size, "big") + _tail(key, group)
        ),
        "off the curve": lambda group, key: key[:-1] + bytes((key[-1] ^ 1,)),
        "none of 01..04": lambda group, key: b"\x05" + key[1:],
        "larger than the prime": lambda group, key: (group.prime + 5).to_bytes(group.size + 1, "big")[-len(key) - 1 :],
        "wrong length": lambda group, key: key[:-1],
    }
    return next((change for words, change in changes.items() if words in purpose), None)


def _head(key: bytes, group: Group) -> bytes:
    return key[: len(key) % group.size]


def _tail(key: bytes, group: Group) -> bytes:
    return key[len(key) % group.size + group.size :]


def border_pair(group: Group, purpose: str) -> KeyPair:
    """Return a key pair whose coordinate begins with zeros, or as the prime does."""
    place = 1 if " x " in purpose else 1 + group.size
    wanted = 0x00 if "small" in purpose else group.prime >> 8 * (group.size - 1)
    pairs = (group.key_pair(secrets.token_bytes) for _ in range(MOST_TRIES))
    return next(pair for pair in pairs if pair.public[place] == wanted)


@dataclass
class Dialogue:
    """One run of PACE, as far as it gets.

    :ivar words: status words, a step each.  :ivar last: the objects of the last answer.
    """

    case: Case
    bench: Bench
    words: list[int] = field(default_factory=list)
    last: bytes = b""

    def __post_init__(self) -> None:
        wanted = self.bench.document.access()
        without = Mapping.ECDH_CAM if self.case.id.endswith("_78") else None
        self.info, self.group = next(one for one in offers(wanted) if one[0].mapping is not without)
        self.algorithm = ALGORITHMS[self.info.cipher]
        self.integrated = self.info.mapping in (Mapping.ECDH_IM, Mapping.DH_IM)
        self.password = BY_CAN if "CAN runs" in self.case.purpose else BY_MRZ

    def values(self) -> dict[str, bytes]:
        """Return the fields of the next command."""
        number = self.info.parameter_id
        found = {
            "<PACE OID>": der.oid(self.info.oid)[2:],
            "<PRIVATE KEY REFERENCE>": bytes((number,)),
            "<REFERENCE PRIVATE KEY>": bytes((number,)),
            "<INVALID PASSWORD IDENTIFIER>": b"\x0f",
        }
        purpose = self.case.purpose
        if "invalid PACE OID" in purpose:
            found["<PACE OID>"] = UNKNOWN_PROTOCOL
        elif "does not offer" in purpose:
            found["<PACE OID>"] = NOT_OFFERED
        elif "does not know" in purpose and "parameter" in purpose:
            found["<PRIVATE KEY REFERENCE>"] = b"\x1f"
        return found

    def mapping_data(self) -> bytes:
        purpose = self.case.purpose
        mine = purpose.startswith(("Mapping", "Integrated"))
        if self.integrated:
            self.own_nonce = secrets.token_bytes(terminal_nonce_bytes(self.algorithm))
            change = changed_key(purpose) if mine else None
            return change(self.group, self.own_nonce) if change else self.own_nonce
        self.mapping = self._pair(self.group, purpose if mine else "")
        return self._shown(self.group, self.mapping, purpose if mine else "")

    def ephemeral(self) -> bytes:
        purpose = self.case.purpose if self.case.purpose.startswith("Key agreement") else ""
        self.mapped = self._mapped()
        self.pair = self._pair(self.mapped, purpose)
        return self._shown(self.mapped, self.pair, purpose)

    @staticmethod
    def _pair(group: Group, purpose: str) -> KeyPair:
        if "coordinate" in purpose:
            return border_pair(group, purpose)
        return group.key_pair(secrets.token_bytes)

    @staticmethod
    def _shown(group: Group, pair: KeyPair, purpose: str) -> bytes:
        change = changed_key(purpose)
        return change(group, pair.public) if change else pair.public

    def _mapped(self) -> Group:
        nonce = decrypted_nonce(password_key(self.password.secret, self.algorithm), self.nonce)
        if self.integrated:
            number = pseudo_random_number(self.algorithm, nonce, self.own_nonce, self.group.prime)
            return self.group.with_number(number)
        return self.mapping.mapped(nonce, self.chip_mapping)

    def token(self) -> bytes:
        purpose = self.case.purpose
        self.agreed = self.pair.agree(self.chip_key)
        keys = messaging_keys(self.agreed, self.algorithm)
        if "without the 7F49" in purpose:
            return mac(keys.mac, der.oid(self.info.oid) + tlv.build(self.group.tag, self.chip_key))
        good = authentication_token(keys.mac, self.info.oid, self.group, self.chip_key)
        if "wrong token" in purpose:
            return bytes((good[0] ^ 1,)) + good[1:]
        if "shortened" in purpose:
            return good[:-1]
        return good + b"\x00" if "lengthened" in purpose else good

    def run(self) -> None:
        """Send the case's commands until one fails."""
        for step in self.case.steps:
            if step.protected or not step.template:
                return
            values = self.values()
            if step.note.startswith("OID value"):
                values["<PACE OID>"] = bytes.fromhex(step.note.removeprefix("OID value"))
            if "<MAPPING DATA>" in step.template:
                values["<MAPPING DATA>"] = self.mapping_data()
            if "<EPHEMERAL PUBLIC KEY>" in step.template:
                values["<EPHEMERAL PUBLIC KEY>"] = self.ephemeral()
            if "<AUTHENTICATION TOKEN>" in step.template:
                values["<AUTHENTICATION TOKEN>"] = self.token()
            response = self.bench.plain(filled(step.template, values))
            self.words.append(response.sw)
            if response.sw != 0x9000:
                return
            self._take(response.data)

    def _take(self, data: bytes) -> None:
        objects = tlv.parse(tlv.parse(data)[0].value) if data[:1] == b"\x7c" else ()
        found = {item.tag: item.value for item in objects}
        self.nonce = found.get(0x80, getattr(self, "nonce", b""))
        self.chip_mapping = found.get(0x82, getattr(self, "chip_mapping", b""))
        self.chip_key = found.get(0x84, getattr(self, "chip_key", b""))
        self.last = bytes(found)

    def protect(self) -> None:
        """Put the session in force."""
        self.bench.channel.secure = IcaoSession(messaging_keys(self.agreed, self.algorithm))


def filled(template: str, values: dict[str, bytes]) -> CommandAPDU:
    """Return a command of a template: lengths are those of what follows."""
    words = template.replace("<LPACE OID>", "<L>").replace("<PACE OID>", "<PACE_OID>")
    for name in values:
        words = words.replace(name, name.replace(" ", "_"))
    tokens = words.replace("{", "{ ").replace("}", " }").split()
    if "<" not in template:
        return CommandAPDU.parse(bytes.fromhex(template))
    header = bytes.fromhex("".join(tokens[:4]))
    rest = tokens[4:]
    ne = 0
    if rest and rest[-1] == "<LE>":
        ne, rest = 256, rest[:-1]
    body = _body(rest[1:], {name.replace(" ", "_"): value for name, value in values.items()}) if rest else b""
    return CommandAPDU(*header, body, 65_536 if ne and len(body) > 255 else ne)


def _body(tokens: list[str], values: dict[str, bytes]) -> bytes:
    if not tokens:
        return b""
    first, rest = tokens[0], tokens[1:]
    if first.startswith("<L"):
        whole = first in ("<L7C>", "<L8C>")
        taken = len(rest) if whole else _one(rest)
        value = _body(rest[:taken], values)
        return tlv.build(0x80, value)[1 : -len(value) or None] + value + _body(rest[taken:], values)
    if first in "{}":
        return _body(rest, values)
    return (values[first] if first in values else bytes.fromhex(first)) + _body(rest, values)


def _one(tokens: list[str]) -> int:
    """Return how many words the next value takes: one, or all to a closing brace."""
    return tokens.index("}") + 1 if tokens and tokens[0] == "{" else 1


def run_pace(case: Case, document: Document) -> str:
    """Return why a document does not pass a case of unit P; empty where it does."""
    bench = Bench(document)
    bench.client.select_master_file()
    dialogue = Dialogue(case, bench)
    number = int(case.id.rpartition("_")[2])
    if number in (79, 80):
        return _broken_after(number, case, bench)
    dialogue.run()
    said = " ".join(f"{word:04X}" for word in dialogue.words)
    if number == 3:
        dialogue.protect()
        word = bench.plain(CommandAPDU(0x00, 0xB0, 0x9D, 0x00, ne=8)).sw
        alive = bench.inside(CommandAPDU(0x00, 0xB0, 0x9C, 0x00, ne=1))
        return f"{word:04X}, alive {alive:04X}" if is_fine(word) or is_fine(alive) else ""
    if number == 58:  # whatever the read says: nobody has shown that he knows the password
        dialogue.token()
        dialogue.protect()
        alive = bench.inside(CommandAPDU(0x00, 0xB0, 0x9C, 0x00, ne=1))
        return f"{said}, and a session" if is_fine(alive) else ""
    if case.refusing and number != 78:
        first = next((at for at, name in enumerate(STEPS) if case.purpose.startswith(name)), 0)
        failed = not is_fine(dialogue.words[-1])
        return (
            "" if failed and len(dialogue.words) > first else f"{said}: expected an error at step {first + 1} or later"
        )
    if not all(map(is_fine, dialogue.words)) or len(dialogue.words) < len(case.steps):
        return f"{said}: expected 9000 throughout"
    cam = dialogue.info.mapping is Mapping.ECDH_CAM
    return "" if (0x8A in dialogue.last) == cam else f"8A {'missing' if cam else 'there'}"


def _broken_after(number: int, case: Case, bench: Bench) -> str:
    bench.open_pace(application=False)
    session, good = bench.session(), CommandAPDU(0x00, 0xB0, 0x9C, 0x00, ne=1)
    select = CommandAPDU(0x00, 0xA4, 0x04, 0x0C, bytes.fromhex("A0000002471001"))
    if number == 79:
        session.wrap(select)
        word = bench.plain(session.wrap(select)).sw
    else:
        wrapped = session.wrap(protected(case.steps[5], b"\x01\x1c"))
        assert isinstance(wrapped.data, bytes)
        word = bench.plain(CommandAPDU(0x0C, 0xA4, 0x02, 0x0C, wrapped.data[-10:], 256)).sw
    alive = bench.inside(good)
    return f"{word:04X}, then {alive:04X}" if is_fine(word) or is_fine(alive) else ""
