"""Online processing: the issuer's answer, its authentication and its scripts (EMV 4.4 Book 3 10.9, 10.10)."""

from __future__ import annotations

from cardkit.apps.emv.template import parse_objects
from cardkit.apps.emv.terminal.host import OnlineAnswer, OnlineRequest
from cardkit.apps.emv.terminal.transaction import Transaction
from cardkit.errors import EncodingError

_ARC, _AUTHENTICATION, _SCRIPT_RESULTS = b"\x8a", b"\x91", b"\x9f\x5b"
_BEFORE, _AFTER = 0x71, 0x72
_COMMAND, _IDENTIFIER = 0x86, 0x9F18
_OK = 0x9000
# 90xx, 62xx, 63xx: done, with or without a warning (Book 3 10.10).
_SUCCESSFUL = frozenset((0x90, 0x62, 0x63))
_APPROVALS = frozenset((b"00", b"08", b"10", b"11"))
_NOT_PERFORMED, _FAILED, _DONE = 0x00, 0x10, 0x20
_MOST_COUNTED = 0x0F


def go_online(transaction: Transaction) -> OnlineAnswer | None:
    """Ask the issuer; None where it cannot be reached.

    :raises KeyStoreError: when the host lacks a key.
    """
    host = transaction.around.host
    if host is None or not transaction.around.online:
        transaction.problem("unable to go online", clause="Book 3 10.9")
        return None
    pin = transaction.purchase.pin if transaction.online_pin else None
    request = OnlineRequest(dict(transaction.values), transaction.cdol1_data, pin)
    answer = host.answer(request)
    transaction.answer = answer
    transaction.data[_ARC] = answer.response_code
    if answer.issuer_authentication:
        transaction.data[_AUTHENTICATION] = answer.issuer_authentication
    for word in answer.words:
        transaction.say(f"issuer: {word}", clause="Book 3 10.9")
    verdict = "approved" if approved(answer) else "declined"
    transaction.say(f"the issuer answers {transaction.text_of('8A')}: {verdict}", clause="Book 3 10.9")
    return answer


def approved(answer: OnlineAnswer) -> bool:
    """Whether the issuer approves (ISO 8583 field 39; payment systems have further codes)."""
    return answer.response_code in _APPROVALS


def authenticate_issuer(transaction: Transaction, answer: OnlineAnswer) -> None:
    """Hand the issuer's authentication to the card, where the card wants it by a command of its own."""
    data = answer.issuer_authentication
    if not data:
        transaction.say("the issuer sends no authentication data", clause="Book 3 10.9")
        return
    if not transaction.supports("issuer authentication is supported (EXTERNAL AUTHENTICATE)"):
        transaction.say("issuer authentication data go with the second GENERATE AC", clause="Book 3 10.9")
        return
    response = transaction.card.external_authenticate(data)
    transaction.performed("issuer authentication was performed")
    if response.sw == _OK:
        transaction.say("the card accepts the issuer's authentication", clause="Book 3 6.5.4")
        return
    transaction.problem(f"EXTERNAL AUTHENTICATE: card answered {response.sw:04X}", clause="Book 3 6.5.4")
    transaction.flag("issuer authentication failed")


def run_scripts(transaction: Transaction, answer: OnlineAnswer, *, final: bool) -> None:
    """Send the commands of the issuer's scripts.

    :param final: those that come after the second GENERATE AC (template 72), else those before (71).
    """
    for script in answer.scripts:
        if script[:1] == bytes((_AFTER if final else _BEFORE,)):
            _run_script(transaction, script, final=final)


def _run_script(transaction: Transaction, script: bytes, *, final: bool) -> None:
    flag = f"script processing failed {'after' if final else 'before'} final GENERATE AC"
    transaction.performed("script processing was performed")
    try:
        identifier, commands = _contents(script)
    except EncodingError as error:
        transaction.problem(f"issuer script: {error}", clause="Book 3 10.10")
        transaction.flag(flag)
        _keep_result(transaction, _NOT_PERFORMED, bytes(4))
        return
    for count, command in enumerate(commands, 1):
        sw = _send(transaction, command)
        if sw >> 8 not in _SUCCESSFUL:
            transaction.problem(f"script command {count}: card answered {sw:04X}", clause="Book 3 10.10")
            transaction.flag(flag)
            _keep_result(transaction, _FAILED | min(count, _MOST_COUNTED), identifier)
            return
        done = f"script command {count} ({command[:4].hex().upper()}): card answered {sw:04X}"
        transaction.say(done, clause="Book 3 10.10")
    _keep_result(transaction, _DONE, identifier)


def _send(transaction: Transaction, command: bytes) -> int:
    """Send one command; one that is none counts as refused."""
    try:
        return transaction.card.send_script(command).sw
    except EncodingError as error:
        transaction.problem(f"script command: {error}", clause="Book 3 10.10")
        return 0


def _contents(script: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Return identifier (4 bytes, zeros where there is none) and commands of one template."""
    objects = parse_objects(script)
    if len(objects) != 1:
        raise EncodingError(f"{len(objects)} objects, expected one template 71 or 72")
    inside = parse_objects(objects[0].value)
    identifier = next((item.value for item in inside if item.tag == _IDENTIFIER), bytes(4))
    return identifier[:4].ljust(4, b"\x00"), tuple(item.value for item in inside if item.tag == _COMMAND)


def _keep_result(transaction: Transaction, first: int, identifier: bytes) -> None:
    """Add five bytes to the issuer script results (Book 4 A5)."""
    results = transaction.data.get(_SCRIPT_RESULTS, b"")
    transaction.data[_SCRIPT_RESULTS] = results + bytes((first,)) + identifier
