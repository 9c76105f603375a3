"""GENERATE AC: the first and the second cryptogram of a transaction (EMV Book 3, 6.5.5; Book 2, 8.1)."""

from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Answer, PlainCommand
from . import authentication, dol, issuer, log, objects, risk, rsa, versions
from .cvr import Cryptogram, Facts, issuer_application_data
from .data import INTERNAL
from .transaction import Scene, State

_CDA: Final = 0x10  # P1
_TYPES: Final = {0x00: Cryptogram.AAC, 0x40: Cryptogram.TC, 0x80: Cryptogram.ARQC}
_UNABLE: Final = (b"Y3", b"Z3")  # authorisation response codes of a terminal that could not go online
_CDOL1, _CDOL2, _RESPONSE_CODE, _ISSUER_DATA, _NUMBER = 0x8C, 0x8D, 0x8A, 0x91, 0x9F37
_FORMAT_1, _FORMAT_2 = 0x80, 0x77


def generate_ac(scene: Scene, command: PlainCommand) -> Answer:
    """GENERATE AC.

    :raises StatusWordError: 6A86 an unknown type or bits that are RFU, 6700 another length than the CDOL asks for,
        6985 out of turn, 6A80 an amount that is no number.
    """
    asked = _TYPES.get(command.p1 & ~_CDA)
    if asked is None or command.p2:
        raise StatusWordError(sw.WRONG_P1P2)
    scene.require(State.INITIATED, State.ONLINE)
    first = scene.transaction.state is State.INITIATED
    return (_first if first else _second)(scene, asked, command), sw.OK


def _first(scene: Scene, asked: Cryptogram, command: PlainCommand) -> bytes:
    data, transaction = scene.data, scene.transaction
    values = {**transaction.values, **dol.split(data.in_records(transaction.afl, _CDOL1), command.data)}
    limits = risk.passed(data, values)
    kind = risk.first(data, asked, limits)
    facts = risk.facts(scene, values, kind)
    transaction.values, transaction.sent = values, command.data
    transaction.first = kind
    answer, transaction.cryptogram = _answer(scene, kind, facts, signed=bool(command.p1 & _CDA))
    transaction.state = State.ONLINE if kind is Cryptogram.ARQC else State.DONE
    transaction.online = kind is Cryptogram.ARQC
    risk.after_first(data, kind, values)
    return answer


def _second(scene: Scene, asked: Cryptogram, command: PlainCommand) -> bytes:
    data, transaction = scene.data, scene.transaction
    sent = dol.split(data.in_records(transaction.afl, _CDOL2), command.data)
    values = {**transaction.values, **sent}
    limits = risk.passed(data, values)
    before = risk.facts(scene, values, transaction.first)
    unable = sent.get(_RESPONSE_CODE) in _UNABLE
    response = sent.get(_ISSUER_DATA, b"")
    if any(response) and not transaction.external and not unable:
        issuer.authenticate(scene, response)
    kind = risk.second(scene, asked, limits, unable=unable)
    transaction.values, transaction.sent = values, transaction.sent + command.data
    facts = replace(before, second=kind, issuer=transaction.issuer, unable=unable)
    answer, _ = _answer(scene, kind, facts, signed=bool(command.p1 & _CDA))
    transaction.state = State.DONE
    risk.after_second(scene, kind, values, unable=unable)
    issuer.obey(scene, risk.own_amount(data, values))
    return answer


def _answer(scene: Scene, kind: Cryptogram, facts: Facts, *, signed: bool) -> tuple[bytes, bytes]:
    """The answer, and the cryptogram; a finished transaction goes into the log."""
    key = _signing_key(scene, kind) if signed else None
    number = scene.transaction.values.get(_NUMBER, b"")
    if key is not None:
        scene.transaction.idn = authentication.dynamic_number(scene, number)
    iad, cryptogram = make(scene, scene.data.parameter(INTERNAL, 0x9F10), replace(facts, cda=key is not None))
    cid = bytes((kind << 6 | risk.reason(scene.data, kind, facts.issuer),))
    fields = [(0x9F27, cid), (0x9F36, scene.data.atc), (0x9F10, iad)]
    if kind is not Cryptogram.ARQC:
        finish(scene, dict(fields))
    if key is not None:
        signature = authentication.combined_signature(scene, key, cryptogram, fields, number)
        fields.insert(2, (0x9F4B, signature))
    elif scene.choices.format == 1:
        return objects.build(_FORMAT_1, cid + scene.data.atc + cryptogram + iad), cryptogram
    else:
        fields.insert(2, (0x9F26, cryptogram))
    return objects.build(_FORMAT_2, b"".join(objects.build(tag, value) for tag, value in fields)), cryptogram


def _signing_key(scene: Scene, kind: Cryptogram) -> rsa.PrivateKey | None:
    """The key that signs the answer, if it is to be signed and can be."""
    if not scene.transaction.aip[0] & authentication.CDA or (kind is Cryptogram.AAC and not scene.choices.sign_aac):
        return None
    return scene.data.rsa_key()


def make(scene: Scene, template: bytes, facts: Facts) -> tuple[bytes, bytes]:
    """Issuer Application Data and application cryptogram.

    :param template: the data as personalized, which name the cryptogram version.
    """
    transaction, data = scene.transaction, scene.data
    version = versions.of(template)
    iad = issuer_application_data(version, template, facts, transaction.idn)
    subject = versions.Subject(transaction.values, transaction.aip, data.atc, iad)
    return iad, version.cryptogram(data.master_key(0), subject)


def finish(scene: Scene, made: dict[int, bytes]) -> None:
    """Write the log record of a transaction that has ended."""
    transaction = scene.transaction
    log.write(scene.data, {**transaction.values, 0x82: transaction.aip, **made})
