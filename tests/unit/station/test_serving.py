"""A shift behind a handler: cards come and go, and what is not of the protocol gets a declared answer."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cardkit.cli.app import run
from cardkit.errors import EncodingError, StoreError
from cardkit.production import Store, batch_status, check_batch
from cardkit.production.station.framing import JsonLines, adapter_named
from cardkit.production.station.messages import MOST_BYTES
from cardkit.production.station.protocol import StationProtocol
from cardkit.production.station.server import Address, Certificates, HandlerServer
from tests.unit.station.working import LOOPBACK, PATIENCE_S, work

NewBatch = Callable[..., Store]


def test_cards_come_and_go(new_batch: NewBatch) -> None:
    store = new_batch(6)
    worked = work(store, 6)
    assert worked.handler.bins == {"GOOD": 6}
    assert (worked.handler.links, worked.handler.refusals) == (1, {})
    assert worked.served.uncleared == {}
    assert batch_status(store, "b1").counts["GOOD"] == 6
    assert check_batch(store) == []


HELLO = {"seq": 1, "type": "HELLO", "protocol": 1, "session": "s", "machine": "m", "couplers": [1]}


@contextmanager
def listening(**terms: Any) -> Iterator[Address]:
    """A station that has no work, for whoever connects."""
    server = HandlerServer(StationProtocol([1]), **terms)
    try:
        yield server.start(LOOPBACK, lambda effect, now: None)
    finally:
        server.close()


@contextmanager
def link(address: Address) -> Iterator[socket.socket]:
    with socket.create_connection((address.host, address.port), timeout=PATIENCE_S) as opened:
        yield opened


def answers(opened: socket.socket, count: int) -> list[dict[str, Any]]:
    """So many lines of the station's."""
    file = opened.makefile("rb")
    return [json.loads(file.readline()) for _ in range(count)]


def everything(opened: socket.socket) -> list[dict[str, Any]]:
    """All the station says until it hangs up."""
    return [json.loads(line) for line in opened.makefile("rb")]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"x" * (MOST_BYTES + 1), "TOO_LONG"),
        (b'{"seq":1,"type":"HELLO"' + b" " * MOST_BYTES + b"}\n", "TOO_LONG"),
        (b"\xff\xfe\x00\n", "SYNTAX"),
        (b"[" * 60_000 + b"\n", "FIELD"),
        (b'{"seq":1,"type":"NOTHING"}\n', "FIELD"),
        (b'{"seq":1,"type":"GO","slot":1}\n', "STATE"),
        (b"GET / HTTP/1.1\r\n\r\n", "SYNTAX"),
    ],
)
def test_what_is_no_hello_is_refused_and_the_link_closed(sent: bytes, code: str) -> None:
    with listening() as address, link(address) as opened:
        opened.sendall(sent)
        assert [line["code"] for line in everything(opened)] == [code]


def test_the_next_handler_is_served_after_a_hostile_one() -> None:
    with listening() as address:
        with link(address) as opened, suppress(ConnectionError):  # it hangs up with most of this unread
            opened.sendall(b"\x00" * 200_000)
            everything(opened)
        with link(address) as opened:
            opened.sendall(json.dumps(HELLO).encode() + b"\n")
            assert answers(opened, 1)[0]["type"] == "WELCOME"


def test_a_line_may_come_in_pieces_and_two_in_one() -> None:
    lines = JsonLines()
    assert list(lines.lines(b'{"a"')) == []
    assert list(lines.lines(b':1}\n{"b":2}\n{')) == [b'{"a":1}', b'{"b":2}']
    assert list(lines.lines(b"}\n")) == [b"{}"]


def test_a_second_link_is_refused_while_the_first_lasts() -> None:
    with listening() as address, link(address) as first:
        first.sendall(json.dumps(HELLO).encode() + b"\n")
        assert answers(first, 1)[0]["type"] == "WELCOME"
        with link(address) as second:
            assert everything(second) == []
        first.sendall(b'{"seq":2,"type":"REMOVED","slot":1}\n')
        assert answers(first, 1)[0]["code"] == "STATE"


def test_a_silent_link_is_given_up() -> None:
    server = HandlerServer(StationProtocol([1], heartbeat_s=0.05, silence_s=0.2), heartbeat_s=0.05)
    address = server.start(LOOPBACK, lambda effect, now: None)
    with link(address) as opened, suppress(ConnectionError):
        everything(opened)  # comes to its end
    server.close()


@pytest.mark.parametrize("text", ["127.0.0.1:0", "[::1]:7816", "localhost:1", "127.8.9.1:5"])
def test_loopback_is_known(text: str) -> None:
    assert Address.of(text).is_loopback


@pytest.mark.requirement("D7")
@pytest.mark.parametrize("text", ["0.0.0.0:7816", "[::]:7816", "station.example:1", "192.0.2.1:5"])
def test_other_machines_need_tls(text: str) -> None:
    server = HandlerServer(StationProtocol([1]))
    with pytest.raises(EncodingError, match="expected loopback, or TLS"):
        server.start(Address.of(text), lambda effect, now: None)


@pytest.mark.parametrize("text", ["7816", ":7816", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", ""])
def test_an_address_that_is_none(text: str) -> None:
    with pytest.raises(EncodingError, match="expected HOST:PORT"):
        Address.of(text)


def test_a_port_that_is_taken_is_one_line() -> None:
    with listening() as address, pytest.raises(StoreError, match="cannot listen"):
        HandlerServer(StationProtocol([1])).start(address, lambda effect, now: None)


def test_an_adapter_nobody_installed_is_named() -> None:
    with pytest.raises(EncodingError, match="'feeder9000': expected one of none"):
        adapter_named("feeder9000")
    assert adapter_named(None) is JsonLines


@pytest.mark.requirement("D7")
@pytest.mark.parametrize("shown", ["right", "wrong", "missing", "expired"])
def test_beyond_loopback_both_sides_show_certificates(tmp_path: Path, shown: str) -> None:
    """A handler is served that shows a certificate of its authority, and no other."""
    ours, stranger = authority(tmp_path, "station"), authority(tmp_path, "stranger")
    theirs = authority(tmp_path, "handler", until=2021 if shown == "expired" else 2099)
    serving = Certificates(ours, ours, theirs).context(ssl.Purpose.CLIENT_AUTH)
    assert (serving.verify_mode, serving.minimum_version) == (ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_2)
    handler = ssl.create_default_context(cafile=str(ours))
    if shown != "missing":
        handler.load_cert_chain(stranger if shown == "wrong" else theirs)
    server = HandlerServer(StationProtocol([1]))
    address = server.start(LOOPBACK, lambda effect, now: None, serving)
    broken = () if shown == "right" else (ConnectionError, ssl.SSLError)
    with suppress(*broken), tls_link(address, handler) as opened:
        opened.sendall(json.dumps(HELLO).encode() + b"\n")
        if shown == "right":
            assert answers(opened, 1)[0]["type"] == "WELCOME"
        else:
            assert everything(opened) == []
    server.close()


def authority(folder: Path, name: str, until: int = 2099) -> Path:
    """A certificate that signs itself and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(until, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    encoded = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(encoded + made.public_bytes(Encoding.PEM))
    return path


@contextmanager
def tls_link(address: Address, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    with link(address) as plain, context.wrap_socket(plain, server_hostname=address.host) as opened:
        yield opened


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing")
    with pytest.raises(EncodingError, match=r"TLS: .*bad\.pem"):
        Certificates(bad, bad, bad).context(ssl.Purpose.CLIENT_AUTH)


def test_the_verbs_work_together(new_batch: NewBatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = new_batch(4)
    store.close()
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        tcp = f"127.0.0.1:{free.getsockname()[1]}"
    codes: list[int] = []
    words = ["station", "handler", "--tcp", tcp, "--couplers", "2", "--cards", "4", "--fault", "double-feed@2"]
    handler = threading.Thread(target=lambda: codes.append(run(words)), daemon=True)
    handler.start()
    served = ["station", "serve", "--tcp", tcp, "--station", "S1", "--store", url, "--reader", "virtual:usim*2"]
    assert run([*served, "--bin", "HOLD=9", "--report", str(tmp_path / "out")]) == 0
    handler.join(PATIENCE_S)
    assert codes == [0]
    out = capfd.readouterr().out
    told = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert [line["address"] for line in told if line["event"] == "Listening"] == [tcp]
    actions = [line["next_action"] for line in told if line["event"] == "CardDone"]
    assert actions == ["Put the card into the bin of good cards."] * 4
    sheet = json.loads((tmp_path / "out" / "shift.json").read_text(encoding="utf-8"))
    assert sheet["cards"]["GOOD"] == 4
    assert "4 GOOD" in (tmp_path / "out" / "shift.txt").read_text(encoding="utf-8")
    assert "bins     GOOD 4" in out


@pytest.mark.parametrize(
    "words",
    [["--fault", "lose"], ["--fault", "break@3"], ["--tcp", "7816"]],
)
def test_a_handler_that_is_told_nonsense_says_so(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["station", "handler", *words]) in (2, 4)
    assert "expected" in capsys.readouterr().err


class Semicolons:
    """A controller that ends its lines with semicolons."""

    def __init__(self) -> None:
        self._rest = b""

    def lines(self, data: bytes) -> Iterator[bytes]:
        *whole, self._rest = (self._rest + data).split(b";")
        yield from whole

    def wire(self, line: bytes) -> bytes:
        return line.rstrip(b"\n") + b";"


def test_an_installed_adapter_translates_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    point = SimpleNamespace(name="semicolons", load=lambda: Semicolons)
    monkeypatch.setattr("cardkit.production.station.framing.entry_points", lambda group, name: [point])
    with listening(adapter=adapter_named("semicolons")) as address, link(address) as opened:
        opened.sendall(json.dumps(HELLO).encode() + b";")
        received = b""
        while not received.endswith(b";"):
            received += opened.recv(4096)
    assert json.loads(received.rstrip(b";"))["type"] == "WELCOME"
