"""A station's figures for Prometheus: what was reported is counted, and only this machine can ask."""

from __future__ import annotations

import socket
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from cardkit.cli.app import run
from cardkit.errors import EncodingError, StoreError
from cardkit.production.couplers.messages import Times
from cardkit.production.events import BatchDone, BatchStarted, CardDone, CouplerStopped, WorkerRestarted
from cardkit.production.station.metrics import Metrics, served
from cardkit.production.station.server import Address

LOOPBACK = Address("127.0.0.1", 0)


def asked(address: Address, path: str = "/metrics") -> tuple[int, str, str]:
    """Status, kind and text of an answer."""
    link = HTTPConnection(address.host, address.port, timeout=60)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read().decode()
    finally:
        link.close()


def values(text: str) -> dict[str, float]:
    """Samples of an exposition, by name and labels."""
    samples = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


def test_what_a_run_reports_is_counted() -> None:
    metrics = Metrics('S "1"', 2)
    metrics(BatchStarted("b1", 3_000_000, 2_345_678, 0, 0, 4, ("r1", "r2")))
    for _ in range(3):
        metrics(CardDone("r1", 1, "ref", "GOOD", times=Times(500.0, 400.0, 100.0)))
    metrics(CardDone("r2", 2, "ref", "REJECTED", "NVM_6581", "card dead"))
    metrics(WorkerRestarted("r2", "its process ended"))
    metrics(CouplerStopped("r2", "restarts", "too often"))
    with served(LOOPBACK, metrics) as address:
        status, kind, text = asked(address)
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert values(text) == {
        r'cardkit_info{station="S \"1\""}': 1,
        'cardkit_cards_total{verdict="GOOD"}': 3,
        'cardkit_cards_total{verdict="REJECTED"}': 1,
        'cardkit_cards_total{verdict="IN_DOUBT"}': 0,
        'cardkit_cards_total{verdict="BLANK_REJECT"}': 0,
        'cardkit_rejects_total{kind="card dead",code="NVM_6581"}': 1,
        "cardkit_worker_restarts_total": 1,
        "cardkit_card_seconds_total": 1.5,
        "cardkit_link_seconds_total": 1.2,
        "cardkit_couplers": 2,
        "cardkit_couplers_stopped": 1,
        "cardkit_running": 1,
        'cardkit_batch_records{state="READY"}': 2_345_678,
        'cardkit_batch_records{state="GOOD"}': 0,
        'cardkit_batch_records{state="IN_DOUBT"}': 4,
    }
    metrics(BatchDone("b1", {"READY": 7}, 3, 1, 0, 0, 2.0))
    assert values(metrics.text())["cardkit_running"] == 0
    assert values(metrics.text())['cardkit_batch_records{state="READY"}'] == 7


def test_nothing_but_the_figures_is_served() -> None:
    with served(LOOPBACK, Metrics("S1", 1)) as address:
        assert asked(address, "/")[0] == 404
        assert asked(address, "/../etc/passwd")[0] == 404
        assert asked(address)[0] == 200


@pytest.mark.requirement("D7")
@pytest.mark.parametrize("text", ["0.0.0.0:9816", "[::]:9816", "station.example:9816", "192.0.2.1:9816"])
def test_other_machines_cannot_ask(text: str) -> None:
    with pytest.raises(EncodingError, match="expected loopback"), served(Address.of(text), Metrics("S1", 1)):
        pass


def test_a_port_that_is_taken_is_one_line() -> None:
    with (
        served(LOOPBACK, Metrics("S1", 1)) as address,
        pytest.raises(StoreError, match="cannot listen"),
        served(address, Metrics("S2", 1)),
    ):
        pass


def test_a_station_serves_its_figures_while_it_works(
    new_batch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_batch(3).close()
    monkeypatch.setattr("cardkit.production.station.shift.self_test", lambda *parts: iter(()))
    with socket.create_server(("127.0.0.1", 0)) as free:
        where = f"127.0.0.1:{free.getsockname()[1]}"
    heard: list[dict[str, float]] = []
    monkeypatch.setattr(
        "cardkit.cli.progress.BatchProgress.__call__",
        lambda progress, event: heard.append(values(asked(Address.of(where))[2])),
    )
    words = ["station", "run", "--station", "S1", "--store", f"sqlite:///{tmp_path / 'store.db'}"]
    assert run([*words, "--reader", "virtual:usim", "--metrics", where]) == 0
    assert heard[-1]['cardkit_cards_total{verdict="GOOD"}'] == 3
    assert (heard[0]["cardkit_running"], heard[-1]["cardkit_running"]) == (1, 0)
