"""What only a sample may be asked to bear: a file is written without the right, and with it.

The content stays as it was, and the only secret that is presented is PIN1 with a full counter.
"""

from __future__ import annotations

from collections.abc import Mapping

from cardkit.apps.iso7816.commands import Ins
from cardkit.apps.uicc.client import UiccSession
from cardkit.apps.uicc.files import APPLICATIONS, CATALOGUE, Condition, FileSpec
from cardkit.apps.uicc.pin import CodeState
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.desired import Access
from cardkit.errors import ProtocolError, StatusError

REWRITTEN = "rewritten"
"""Name of the note with the status words before PIN1 and after."""
OK = 0x9000


def rewritten(
    channel: Channel, bodies: Mapping[str, bytes], pin: Access, codes: list[Secret]
) -> tuple[int, int] | None:
    """Return the status words of updating a transparent file that PIN1 guards, before PIN1 is presented and after.

    :param bodies: contents as they were read, by file name.  :param codes: PIN1 of the record.
    :returns: None where the card has no such file, or PIN1 is not asked for with a full counter.
    :raises TransportError: when the link fails.
    """
    spec = _guarded(bodies)
    if spec is None:
        return None
    channel.reset(cold=True)
    session = UiccSession(channel)
    try:
        session.select_application(APPLICATIONS["ADF.USIM"])
        session.select(spec.path)
        before = _updated(session, bodies[spec.name])
        if session.code_status(pin.reference).left != pin.tries:
            return None
        if session.submit(Ins.VERIFY, pin.reference, *codes).state is not CodeState.VERIFIED:
            return None
        session.select(spec.path)
    except (StatusError, ProtocolError):
        return None
    return before, _updated(session, bodies[spec.name])


def _guarded(bodies: Mapping[str, bytes]) -> FileSpec | None:
    """Return a file of the USIM that the standard lets its holder update under PIN1."""
    specs = (CATALOGUE.get(name) for name in bodies if name.startswith("ADF.USIM/"))
    return next((spec for spec in specs if spec is not None and spec.update is Condition.PIN1), None)


def _updated(session: UiccSession, body: bytes) -> int:
    try:
        session.update_binary(body)
    except StatusError as error:
        return error.sw
    return OK
