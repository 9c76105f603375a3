"""Basic access control: the oldest way into a document, by what is printed on it (ICAO Doc 9303-11 4.3)."""

from __future__ import annotations

from cardkit.apps.emrtd.client import DocumentClient
from cardkit.crypto.documentkeys import basic_access_keys, basic_access_request, basic_access_session
from cardkit.crypto.groups import Random
from cardkit.crypto.secret import Secret
from cardkit.errors import AuthenticationError, StatusError
from cardkit.secure.icao import IcaoSession

_CHALLENGE_BYTES, _KEY_BYTES, _ANSWER_BYTES = 8, 16, 40


def open_by_bac(client: DocumentClient, information: Secret, random: Random) -> None:
    """Open a session; the application is selected.

    :param information: of the MRZ, each field with its digit.
    :raises AuthenticationError: when the chip takes another MRZ, or does not prove that it knows this one.
    :raises StatusError: when it does not offer BAC.
    """
    chip = client.get_challenge()
    keys = basic_access_keys(information)
    own = Secret(random(_KEY_BYTES), "BAC")
    challenges = random(_CHALLENGE_BYTES) + chip
    try:
        answer = client.external_authenticate(basic_access_request(keys, challenges, own), _ANSWER_BYTES)
    except StatusError as error:
        said = f"EXTERNAL AUTHENTICATE: {error.sw:04X}"
        raise AuthenticationError(f"BAC: the MRZ is another, or BAC is not offered ({said})") from None
    session = basic_access_session(keys, challenges, own, answer)
    client.protect(IcaoSession(session, chip[4:] + challenges[4:_CHALLENGE_BYTES]))
