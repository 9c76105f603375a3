"""The inspection procedure: open, prove the chip, read, check (ICAO Doc 9303-11 A; BSI TR-03110-1 2.4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from cardkit.apps.emrtd import passive
from cardkit.apps.emrtd.active_auth import authenticate_actively
from cardkit.apps.emrtd.chip_auth import authenticate_chip, chip_keys
from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.com import Com
from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.directory import AtrInfo
from cardkit.apps.emrtd.domain import public_key_of
from cardkit.apps.emrtd.groups import parse_dg1, parse_dg15
from cardkit.apps.emrtd.lds import DATA_GROUPS, FILES, GROUP_NUMBERS, open_file
from cardkit.apps.emrtd.mrz import FILLER, NUMBER_CHARACTERS
from cardkit.apps.emrtd.oids import Mapping
from cardkit.apps.emrtd.pace import PaceSession
from cardkit.apps.emrtd.rules.contents import content_troubles
from cardkit.apps.emrtd.securityinfos import (
    ChipAuthenticationPublicKeyInfo,
    SecurityInfos,
    parse_card_access,
    parse_dg14,
)
from cardkit.apps.emrtd.sod import Sod, parse_card_security
from cardkit.apps.emrtd.terminal.access import open_document
from cardkit.apps.emrtd.terminal.reading import Cost, Mark, Reading, Request
from cardkit.apps.emrtd.terminal_auth import authenticate_terminal, effective_rights, trust_points
from cardkit.apps.pki.algorithms import digest
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.cvc import Right
from cardkit.channel import Channel
from cardkit.crypto.groups import KeyPair
from cardkit.crypto.secret import Secret
from cardkit.errors import AuthenticationError, CardError, EncodingError, StatusError, UnprotectedError

WHOLE = "whole reading"
"""Name of the cost of all of it."""
_VERSION_2 = 2
_BIOMETRIC = (3, 4)
_PROOF_GROUPS = (14, 15)
_ACCESS = "access"
_MS = 1000
_WRONG_LE = 0x6C00
_AA, _CA, _CAM, _TA = "active authentication", "chip authentication", "PACE-CAM", "terminal authentication"


def inspect(channel: Channel, request: Request) -> Reading:
    """Read a document as a border does, and check everything that what it knows allows.

    :raises AuthenticationError: when the document does not take the password; it is not tried again.
    :raises EncodingError: when no password was given that the document takes.
    :raises CardError: when the chip breaks its session or a protocol.
    :raises TransportError: when the link fails.
    """
    inspection = _Inspection(channel, request)
    with inspection.measured(WHOLE):
        inspection.run()
    inspection.check_costs()
    return inspection.reading


class _Inspection:
    """One document on its way."""

    def __init__(self, channel: Channel, request: Request) -> None:
        self._channel = channel
        self._request = request
        self._client = DocumentClient(channel)
        self._pace: PaceSession | None = None
        self._pair: KeyPair | None = None
        self._infos: SecurityInfos | None = None
        self.reading = Reading()

    def run(self) -> None:
        """Go through the whole procedure."""
        self._look_around()
        with self.measured(_ACCESS):
            self._open()
        for name in ("EF.SOD", "EF.COM"):
            self._read(name)
        groups = self._listed_groups()
        for number in _PROOF_GROUPS:
            if number in groups:
                self._read(f"EF.DG{number}")
        self._infos = self._dg14()
        if terminal_first := self._terminal_first():
            self._authenticate_terminal(version=_VERSION_2)
        with self.measured(_CA):
            self._authenticate_chip()
        if not terminal_first:
            self._authenticate_terminal()
        for number in groups:
            if number not in _PROOF_GROUPS:
                self._read(f"EF.DG{number}")
        self._authenticate_actively()
        self._check()

    @contextmanager
    def measured(self, name: str) -> Iterator[None]:
        """Write down what a part takes, where there is a clock."""
        clock, commands = self._request.clock, self._client.exchanges
        begun = clock() if clock else 0.0
        yield
        if clock:
            ms = round((clock() - begun) * _MS)
            self.reading.costs[name] = Cost(self._client.exchanges - commands, ms)

    def check_costs(self) -> None:
        """EMRTD-095: the whole reading took no longer than it may."""
        cost, window = self.reading.costs.get(WHOLE), self._request.window_ms
        if cost and window is not None and cost.ms > window:
            took = f"{cost.ms} ms, {cost.commands} commands"
            self.reading.find("EMRTD-095", WHOLE, f"{window} ms at most", took)

    def _look_around(self) -> None:
        """Read what is free in the MF."""
        self._client.select_master_file()
        for name in ("EF.ATR/INFO", "EF.CardAccess"):
            self._read(name)
        self._use_extended_length()

    def _use_extended_length(self) -> None:
        try:
            sizes = AtrInfo.parse(self.reading.files.get("EF.ATR/INFO", b"")).extended_length
        except EncodingError as error:
            self.reading.find("EMRTD-006", "EF.ATR/INFO", "TLV objects", str(error))
            return
        if sizes is not None:
            self._client.use_extended_length(sizes.response_bytes)

    def _open(self) -> None:
        """Open a session by PACE where it is offered, else by BAC; select the application."""
        self._pace = open_document(self._client, self._card_access(), self._request)
        if self._pace is None:
            self.reading.note("PACE", Mark.ABSENT)
            self.reading.note("BAC", Mark.DONE, self._session_algorithm())
            return
        info, group = self._pace.info, self._pace.group
        self.reading.note(
            "PACE", Mark.DONE, f"{info.mapping.name.replace('_', '-')}, {self._session_algorithm()}, {group.name}"
        )

    def _session_algorithm(self) -> str:
        session = self._client.session
        return "" if session is None else session.algorithm

    def _card_access(self) -> SecurityInfos | None:
        content = self.reading.files.get("EF.CardAccess")
        try:
            return parse_card_access(content) if content else None
        except EncodingError as error:
            self.reading.find("EMRTD-063", "EF.CardAccess", "SecurityInfos", str(error))
            return None

    def _read(self, name: str) -> None:
        """Read a file; one that is not there or not given is written down."""
        try:
            self.reading.files[name] = self._client.read(FILES[name])
        except StatusError as error:
            self.reading.refused[name] = error.sw
        except UnprotectedError as error:
            if self._client.careful or error.sw & 0xFF00 != _WRONG_LE:
                raise
            self._read_carefully(name, error)

    def _read_carefully(self, name: str, error: UnprotectedError) -> None:
        """Begin again with a chip that throws its session away over an Le past a file's end. 9303-10 3.6.3"""
        self.reading.find("EMRTD-010", name, "the rest of the file where Le goes past its end", f"{error.sw:04X}")
        self._client.careful = True
        self._start_again()
        self._read(name)

    def _listed_groups(self) -> list[int]:
        """Return the groups of EF.SOD, or of EF.COM where that cannot be read."""
        files = self.reading.files
        listed: set[int] = set()
        for name in ("EF.SOD", "EF.COM"):
            try:
                content = files[name]
                listed.update(Sod.parse(content).object.hashes if name == "EF.SOD" else Com.parse(content).groups)
            except (KeyError, EncodingError):
                continue  # passive authentication and the rules say what is wrong with it
        return sorted(listed) or [number for number in GROUP_NUMBERS if number not in _BIOMETRIC]

    def _dg14(self) -> SecurityInfos | None:
        """Return the infos of DG14 if the security object has its hash: else they are anybody's."""
        if not self._hashed(14):
            return None
        try:
            return parse_dg14(self.reading.files["EF.DG14"])
        except EncodingError:
            return None

    def _hashed(self, number: int) -> bool:
        """Whether a group is there, with the hash of the security object."""
        name = DATA_GROUPS[number].name
        try:
            sod = Sod.parse(self.reading.files["EF.SOD"]).object
            return digest(sod.hash, open_file(name, self.reading.files[name]).signed) == sod.hashes.get(number)
        except (EncodingError, KeyError):
            return False

    def _authenticate_chip(self) -> None:
        """Prove the chip by PACE-CAM where it was, and by chip authentication."""
        if self._pace is not None and self._pace.info.mapping is Mapping.ECDH_CAM:
            self._check_mapping(self._pace)
        keys = chip_keys(self._infos) if self._infos else []
        if not keys:
            self.reading.note(_CA, Mark.ABSENT)
            return
        key = keys[0]
        pair = self._pair or key.group.key_pair(self._request.random)
        try:
            authenticate_chip(self._client, key, pair)
        except CardError as error:
            self._fail("EMRTD-030", _CA, "the private key to that of EF.DG14", error)
            self._pair = None
            self._start_again()
            return
        self._pair = pair
        self.reading.note(_CA, Mark.DONE, f"{self._session_algorithm()}, {key.group.name}")

    def _check_mapping(self, session: PaceSession) -> None:
        """Check the chip authentication data of PACE with the key of EF.CardSecurity."""
        self._client.select_master_file()
        self._read("EF.CardSecurity")
        self._client.select_application()
        try:
            session.check_chip(self._signed_key(session))
        except (AuthenticationError, EncodingError, KeyError) as error:
            self._fail("EMRTD-027", _CAM, "the private key to that of EF.CardSecurity", error)
            return
        self.reading.note(_CAM, Mark.DONE, session.group.name)

    def _signed_key(self, session: PaceSession) -> bytes:
        """Return the chip's key of EF.CardSecurity, whose signature is checked.

        :raises AuthenticationError: where nobody trusted has signed it.
        """
        signed, infos = parse_card_security(self.reading.files["EF.CardSecurity"])
        signer = next((one for one in map(Certificate.parse, signed.certificates) if signed.signer.names(one)), None)
        if signer is None or not (signed.content_matches() and signed.signature_verifies(signer.public_key)):
            raise AuthenticationError("EF.CardSecurity: its signature is wrong")
        if self._request.trust.authorities and not self._request.trust.chain(signer):
            raise AuthenticationError("EF.CardSecurity: its signer does not chain to a trusted CSCA")
        for info in infos.all(ChipAuthenticationPublicKeyInfo):
            group, key = public_key_of(info.public_key)
            if info.key_id in (None, session.info.parameter_id) and group.name == session.group.name:
                return key
        raise AuthenticationError("EF.CardSecurity: no key of the parameters PACE was done with")

    def _start_again(self) -> None:
        """Open a new session after one that a protocol broke."""
        self._channel.secure = None
        self._channel.reset(cold=True)
        self._client.select_master_file()
        self._open()

    def _terminal_first(self) -> bool:
        """Whether the chip's protocol has the terminal prove itself first, by the key it will use then."""
        keys = chip_keys(self._infos) if self._infos else []
        if self._request.terminal is None or self._pace is None or not keys or keys[0].info.version != _VERSION_2:
            return False
        self._pair = keys[0].group.key_pair(self._request.random)
        return True

    def _authenticate_terminal(self, version: int = 1) -> None:
        terminal = self._request.terminal
        if terminal is None:
            return
        if self._pair is None:
            self.reading.note(_TA, Mark.FAILED, "no chip authentication came before")
            return
        try:
            chain = terminal.chain(trust_points(self._client, self._infos))
            rights = effective_rights(chain)
            chip_id, own = self._chip_id(), self._pair.compressed
            authenticate_terminal(self._client, chain, terminal.key, chip_id, own, version=version)
        except (StatusError, AuthenticationError, EncodingError) as error:
            self._fail("EMRTD-034", _TA, "the terminal's chain taken", error)
            return
        self.reading.note(_TA, Mark.DONE, f"{chain[-1].holder}, may read {_names(rights)}")

    def _chip_id(self) -> bytes:
        """Return what terminal authentication signs for the chip. TR-03110-1 3.5"""
        if self._pace is not None:
            return self._pace.chip_id
        self._read("EF.DG1")
        mrz = parse_dg1(self.reading.files.get("EF.DG1", b""))
        return (mrz.document_number.ljust(NUMBER_CHARACTERS, FILLER) + mrz.document_number_digit).encode("ascii")

    def _authenticate_actively(self) -> None:
        if "EF.DG15" not in self.reading.files:
            self.reading.note(_AA, Mark.ABSENT)
            return
        if not self._hashed(15):
            self.reading.note(_AA, Mark.FAILED, "EF.DG15 is not the one the document was signed with")
            return
        try:
            key = parse_dg15(self.reading.files["EF.DG15"])
            evidence = authenticate_actively(self._client, key, self._infos, self._request.random)
        except (StatusError, AuthenticationError, EncodingError) as error:
            self._fail("EMRTD-032", _AA, "a signature with the key of EF.DG15", error)
            return
        self.reading.evidence = evidence
        self.reading.note(_AA, Mark.DONE, f"{evidence.hash}{'' if evidence.plain else ', signature in DER'}")

    def _fail(self, rule: str, name: str, expected: str, error: Exception) -> None:
        self.reading.note(name, Mark.FAILED, str(error))
        self.reading.find(rule, name, expected, str(error))

    def _check(self) -> None:
        """Judge the contents, and what the security object says of them."""
        reading, request = self.reading, self._request
        if self._client.talkative:
            reading.find("EMRTD-001", "SELECT", "9000 without data", "data that nobody asked for")
        document = passive.Document(reading.files.get("EF.SOD", b""), reading.groups, reading.closed)
        if (
            request.printed is not None
            and (mrz := document.mrz)
            and Secret(mrz.text.encode("ascii"), "DG1") != request.printed
        ):
            reading.find("EMRTD-044", "EF.DG1", "the zone printed on the document", "another")
        for name, reason in request.trust.distrusted:
            reading.find("EMRTD-082", name, "a list whose signer a trusted CSCA vouches for", reason)
        reading.verdict = passive.authenticate(document, request.trust, passive.Terms(request.at, _issued(document)))
        for trouble in (*reading.verdict.troubles, *content_troubles(reading.files, request.at.date())):
            reading.find(trouble.rule, trouble.where, trouble.expected, trouble.actual)


def _issued(document: passive.Document) -> datetime | None:
    """Return the day of issue in DG12, which the security object has the hash of; None without one."""
    try:
        text = Details.parse(12, document.groups[12]).values()["date_of_issue"]
        return datetime.strptime(str(text), "%Y%m%d").replace(tzinfo=UTC)
    except (EncodingError, KeyError, ValueError):
        return None


def _names(rights: Right) -> str:
    found = [name for right, name in ((Right.FINGER, "fingers"), (Right.IRIS, "irises")) if right in rights]
    return " and ".join(found) or "nothing more"
