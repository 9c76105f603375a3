"""The way into a document: PACE where it is offered, basic access control otherwise (ICAO Doc 9303-11 4.2)."""

from __future__ import annotations

from cardkit.apps.emrtd.bac import open_by_bac
from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.pace import PaceSession, PasswordKind, offers, open_by_pace
from cardkit.apps.emrtd.securityinfos import SecurityInfos
from cardkit.apps.emrtd.terminal.reading import Request
from cardkit.errors import EncodingError, NotFoundError, StatusError

_ANY = (PasswordKind.MRZ, PasswordKind.CAN, PasswordKind.PIN, PasswordKind.PUK)


def open_document(client: DocumentClient, access: SecurityInfos | None, request: Request) -> PaceSession | None:
    """Open a session and select the application; the MF is selected.

    :param access: of EF.CardAccess; None without it.
    :returns: what PACE leaves behind; None after basic access control.
    :raises AuthenticationError: when the document does not take the password.
    :raises EncodingError: when no password was given that it takes.
    :raises NotFoundError: when there is no document, or none with such a password.
    :raises CardError: as of the protocols.
    """
    found = offers(access) if access else []
    password = request.password(*_ANY)
    if found and password:
        session = open_by_pace(client, found[0], password, request.random)
        client.select_application()
        return session
    try:
        client.select_application()
    except StatusError as error:
        raise NotFoundError("SELECT", error.sw, meaning="no travel document on this card") from None
    printed = request.password(PasswordKind.MRZ)
    if printed is None:
        raise EncodingError("the document offers basic access control only: expected its MRZ, not CAN or PIN")
    open_by_bac(client, printed.value, request.random)
    return None
