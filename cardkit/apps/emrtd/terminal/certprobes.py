"""Probes of whom a chip takes for a terminal: certificates that are forged, out of place, or out of date (EMRTD-035).

What only its own authority can sign is tried where the reader has that key: with chips of a test authority.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from cardkit.apps.emrtd.chip_auth import authenticate_chip, chip_keys, ephemeral_pair
from cardkit.apps.emrtd.securityinfos import parse_dg14
from cardkit.apps.emrtd.signerrules import Trouble, unknown
from cardkit.apps.emrtd.terminal.bench import Bench
from cardkit.apps.emrtd.terminal_auth import Terminal, trust_points
from cardkit.apps.pki.cvc import CvCertificate, CvRequest, Right, issue
from cardkit.apps.pki.signing import SigningKey
from cardkit.encoding import tlv
from cardkit.errors import CardError, EncodingError, KeyStoreError, StatusError

_RULE, _EXPECTED = "EMRTD-035", "an error"
_REFERENCE, _SIGNATURE = 0x83, 0x5F37
_SYSTEM = Right.FINGER | Right.IRIS
_VERIFIER = Right.DOMESTIC_VERIFIER | _SYSTEM
_DAY, _LONG = timedelta(days=1), timedelta(days=60)
_NAME = "PROBE00001"


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What a chip must refuse.

    :param last: the certificate.  :param before: what is presented before it, whatever comes of that.
    """

    what: str
    last: CvCertificate
    before: tuple[CvCertificate, ...] = ()


@dataclass(frozen=True, slots=True)
class _Issuer:
    """Who issues certificates for a probe.  :param subject: the key they are about."""

    name: str
    key: SigningKey
    subject: SigningKey

    def issue(self, rights: Right, effective: date, expires: date) -> CvCertificate:
        request = CvRequest(self.name[:2] + _NAME, self.subject, rights, effective, expires)
        return CvCertificate.parse(issue(request, self.name, self.key))


def _refused_certificates(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-035: none of these is taken."""
    terminal = bench.request.terminal
    if terminal is None or "EF.DG14" not in bench.reading.files:
        return
    try:
        _authenticated(bench)
        chain = terminal.chain(trust_points(bench.client, parse_dg14(bench.reading.files["EF.DG14"])))
    except (CardError, EncodingError):
        return  # EMRTD-034 and 036 say so
    attempts = [*_forged(chain)]
    try:
        attempts += [*_below(chain, terminal), *_above(chain, terminal)]
    except KeyStoreError as error:
        yield unknown(_RULE, "certificates out of place or of date", _EXPECTED, str(error))
    for attempt in attempts:
        if _taken(bench, attempt):
            yield Trouble(_RULE, attempt.what, _EXPECTED, "9000")


def _forged(chain: tuple[CvCertificate, ...]) -> Iterator[_Attempt]:
    """Yield certificates whose signatures are not by the key they name."""
    first, last = chain[0], chain[-1]
    changed = first.signature[:-1] + bytes((first.signature[-1] ^ 1,))
    yield _Attempt("a certificate with a changed signature", replace(first, signature=changed))
    if len(chain) > 1:
        yield _Attempt("a terminal's certificate under the trust point", replace(last, authority=first.authority))


def _below(chain: tuple[CvCertificate, ...], terminal: Terminal) -> Iterator[_Attempt]:
    """Yield a certificate that a terminal signed: terminals issue none."""
    last = chain[-1]
    issued = _Issuer(last.holder, terminal.key, terminal.key).issue(_SYSTEM, last.effective, last.expires)
    yield _Attempt("a certificate that a terminal issued", issued, chain)


def _above(chain: tuple[CvCertificate, ...], terminal: Terminal) -> Iterator[_Attempt]:
    """Yield what the authority signed all right: out of place, or good until the day before the chip's date.

    That is the first day of the chain's first at least, which was taken before.

    :raises KeyStoreError: where the authority's key is not here.
    """
    first = chain[0]
    if terminal.authority is None:
        raise KeyStoreError("the key of the chip's own authority is not here")
    if not Right(first.authorization[0]) & Right.DOMESTIC_VERIFIER:
        raise KeyStoreError("a foreign document verifier does not set a chip's date")
    authority = _Issuer(first.authority, terminal.authority, terminal.key)
    begin = first.effective
    yield _Attempt("a terminal's certificate by the authority itself", authority.issue(_SYSTEM, begin, first.expires))
    expired = authority.issue(_VERIFIER, begin - _LONG, begin - _DAY)
    yield _Attempt("a certificate that ended before the chip's date", expired)
    older = authority.issue(_VERIFIER, begin - _LONG, first.expires)
    yield _Attempt("a certificate that ended before the chip's date, after an older one", expired, (older,))


def _authenticated(bench: Bench) -> None:
    """Open a session and authenticate the chip: without that no certificate is looked at."""
    bench.opened()
    key = chip_keys(parse_dg14(bench.reading.files["EF.DG14"]))[0]
    authenticate_chip(bench.client, key, ephemeral_pair(key, bench.request.random))


def _taken(bench: Bench, attempt: _Attempt) -> bool:
    _authenticated(bench)
    for one in attempt.before:
        _presented(bench, one)
    return _presented(bench, attempt.last)


def _presented(bench: Bench, one: CvCertificate) -> bool:
    """Whether a certificate is taken."""
    try:
        bench.client.set_environment(0x81, 0xB6, tlv.build(_REFERENCE, one.authority.encode("latin-1")), one.authority)
        bench.client.verify_certificate(one.body, tlv.build(_SIGNATURE, one.signature))
    except StatusError:
        return False
    return True


CERTIFICATE_PROBES: tuple[Callable[[Bench], Iterator[Trouble]], ...] = (_refused_certificates,)
"""Probes of terminals."""
