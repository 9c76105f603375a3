"""GET PROCESSING OPTIONS (EMV Book 3, 6.5.8): the transaction counter moves, AIP and AFL are the answer."""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Answer, PlainCommand
from . import contactless, dol, objects, personalization
from .data import BLOCKED
from .transaction import Scene, State

_COMMAND_TEMPLATE: Final = 0x83
_FORMAT_1, _FORMAT_2 = 0x80, 0x77


def get_processing_options(scene: Scene, command: PlainCommand) -> Answer:
    """GET PROCESSING OPTIONS.

    :raises StatusWordError: 6700 another length than the PDOL asks for, 6A80 no template 83, 6985 out of turn, at the
        end of the transaction counter, or blocked; 6984 for a transaction to do by contact.
    """
    data, transaction = scene.data, scene.transaction
    sent = _sent(command.data)
    values = dol.split(data.pdol(contactless=transaction.contactless), sent)
    scene.require(State.SELECTED)
    if data.state == BLOCKED and scene.choices.blocked == "refuse":
        raise StatusWordError(sw.CONDITIONS)
    options = data.options(contactless=transaction.contactless)
    if not options:
        raise StatusWordError(sw.CONDITIONS)
    data.count_transaction()
    transaction.initial, transaction.values = sent, values
    transaction.aip, transaction.afl = options[0x82], options.get(0x94, b"")
    if transaction.contactless and personalization.is_one_step(data):
        return contactless.complete(scene, options), sw.OK
    transaction.state = State.INITIATED
    return _answer(options, scene.choices.format), sw.OK


def _sent(data: bytes) -> bytes:
    """What stands in the command template.

    :raises StatusWordError: 6700, 6A80.
    """
    if len(data) < 2:
        raise StatusWordError(sw.WRONG_LENGTH)
    if data[0] != _COMMAND_TEMPLATE:
        raise StatusWordError(sw.WRONG_DATA)
    try:
        found = objects.parse(data)
    except StatusWordError as error:
        raise StatusWordError(sw.WRONG_LENGTH) from error
    if len(found) != 1 or not data.endswith(found[0][1]):
        raise StatusWordError(sw.WRONG_LENGTH)
    return found[0][1]


def _answer(options: dict[int, bytes], form: int) -> bytes:
    if form == 1:
        return objects.build(_FORMAT_1, options[0x82] + options[0x94])
    return objects.build(_FORMAT_2, b"".join(objects.build(tag, value) for tag, value in options.items()))
