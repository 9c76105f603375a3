"""Jobs: done on any machine, done again after a death, and never with a second effect."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from cardkit.cli.app import run
from cardkit.errors import RecordError, StoreError
from cardkit.production import preparation
from cardkit.production.jobs import work as jobwork
from cardkit.production.jobs.queue import Job, Queued, open_queue
from cardkit.production.jobs.work import Workplace, import_job, prepare_jobs, report_job
from cardkit.production.jobs.worker import run_worker
from cardkit.production.store import Office, Store, open_store
from cardkit.production.store.preparing import waiting_count
from cardkit.profile import load_profile
from tests import postgres

PROFILE = "id/piv-test"
ROWS = 4

Outcome = tuple[str, str]


class Plant:
    """One database, and what runs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        server = postgres.server()
        self.url = server.url(server.database(), folder)
        self.store: Store = open_store(self.url, operator="ana", create=True)

    def order(self, name: str, number: int = 1) -> Path:
        """A file of four rows of the profile's order, with credentials that no other file has."""
        profile = load_profile(PROFILE)
        lines = (profile.path.parent / "order.csv").read_text("utf-8").splitlines(keepends=True)
        path = self.folder / name
        rows = [f"9{number}000{row}{line[6:]}" for row, line in enumerate(lines[1 : 1 + ROWS])]
        path.write_text("".join([lines[0], *rows]), "utf-8")
        return path

    def place(self) -> Workplace:
        return Workplace(self.store, lambda profile: nullcontext(profile.test_keystore()))

    def put(self, *jobs: Job) -> list[int | None]:
        with open_queue(self.store) as queue:
            return [queue.put(job) for job in jobs]

    def work(self, **how: Any) -> list[Outcome]:
        """Do what waits; what became of each."""
        done: list[Outcome] = []
        run_worker(
            self.place(), lambda number, kind, about, outcome: done.append((kind.value, outcome)),
            once=True, **{"retry_s": 0, **how},
        )  # fmt: skip
        return done

    def jobs(self) -> list[Queued]:
        with open_queue(self.store) as queue:
            return queue.jobs()

    def events(self, kind: str) -> list[dict[str, Any]]:
        with self.store.reading() as connection:
            found = connection.exec_driver_sql(f"select event from audit where kind = '{kind}' order by seq").scalars()
            return [json.loads(text)["data"] for text in found]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = Plant(tmp_path_factory.mktemp("jobs"))
    with made.store:
        yield made


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobwork, "ROWS", 2)
    monkeypatch.setattr(preparation, "CHUNK", 1)


def test_an_import_is_prepared_by_jobs_that_follow_it(plant: Plant, tmp_path: Path) -> None:
    first = import_job(PROFILE, plant.order("one.csv"), None, None)
    (number,) = plant.put(first)
    assert plant.put(first) == [None]  # waits already
    assert plant.work() == [("import", "done"), ("prepare", "done"), ("prepare", "done")]
    lot = plant.store.batch("one")
    assert (lot.imported, waiting_count(plant.store, lot)) == (ROWS, 0)
    states = {(one.kind, one.state) for one in plant.jobs()}
    assert states == {("import", "succeeded"), ("prepare", "succeeded")}
    assert plant.events("JOB")[0] == {"job": number, "kind": "import", "batch": "one", "sha256": first.about["sha256"]}
    queued = [event["job"] for event in plant.events("JOB")]
    assert [event["job"] for event in plant.events("JOB_DONE")] == queued == [one.id for one in plant.jobs()]

    plant.put(first)  # as if its worker had died after the import, before it could say so
    assert plant.work()[0] == ("import", "done")
    assert len(plant.events("IMPORT")) == 1
    assert sum(event["records"] for event in plant.events("PREPARE")) == ROWS

    plant.put(report_job("one", tmp_path / "report"))
    assert plant.work() == [("report", "done")]
    assert {"report.html", "report.pdf", "results.csv"} <= {path.name for path in (tmp_path / "report").iterdir()}


def test_jobs_carry_names_and_digests_only(plant: Plant) -> None:
    """What a job says lies in the database in clear."""
    job = import_job(PROFILE, plant.order("two.csv", 2), "two", None)
    plant.put(job)
    (kept,) = [one.args for one in plant.jobs() if one.args.get("batch") == "two"]
    assert set(kept) == {"profile", "file", "sha256", "batch", "under"}
    text = json.dumps([one.args for one in plant.jobs()])
    cells = [cell for line in Path(job.about["file"]).read_text("utf-8").splitlines()[1:] for cell in line.split(",")]
    assert [cell for cell in cells if len(cell) > 5 and cell in text] == []


DYING = """
import os, signal, sys
from contextlib import nullcontext
from cardkit.production import preparation
from cardkit.production.jobs.work import Workplace
from cardkit.production.jobs.worker import run_worker
from cardkit.production.store import open_store, preparing

preparation.CHUNK = 1
filing = preparing.file_values

def file_values(*arguments):
    filed = filing(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
    return filed

preparing.file_values = file_values
store = open_store(sys.argv[1], operator="bek")
keys = lambda profile: nullcontext(profile.test_keystore())
run_worker(Workplace(store, keys), print, once=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the worker kills itself by SIGKILL")
def test_a_job_whose_worker_was_killed_is_done_again_without_a_second_effect(plant: Plant) -> None:
    plant.work()
    before = sum(event["records"] for event in plant.events("PREPARE"))
    plant.put(import_job(PROFILE, plant.order("three.csv", 3), None, None))
    dead = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(DYING), plant.url], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[3], timeout=120,
    )  # fmt: skip
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    lot = plant.store.batch("three")
    assert waiting_count(plant.store, lot) == ROWS - 1
    assert [one.state for one in plant.jobs()].count("doing") == 1
    assert plant.work(stalled_s=0) == [("prepare", "done")]
    assert waiting_count(plant.store, lot) == 0
    assert sum(event["records"] for event in plant.events("PREPARE")) == before + ROWS
    assert {one.state for one in plant.jobs()} == {"succeeded"}


def test_a_file_that_is_not_there_is_tried_three_times_more(plant: Plant) -> None:
    path = plant.order("four.csv", 4)
    job = import_job(PROFILE, path, None, None)
    path.rename(path.with_suffix(".away"))
    plant.put(job)
    outcomes = plant.work()
    assert [kind for kind, outcome in outcomes if "four.csv" in outcome] == ["import"] * 4
    assert (plant.events("JOB_FAILED")[-1]["code"], plant.jobs()[-1].state) == ("FileNotFoundError", "failed")

    path.with_suffix(".away").rename(path)
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")
    plant.put(job)
    ((kind, outcome),) = plant.work()
    assert (kind, "not the file that was queued" in outcome) == ("import", True)
    assert plant.events("JOB_FAILED")[-1]["code"] == "FILE"


def test_a_batch_that_cannot_be_prepared_is_held(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.put(import_job(PROFILE, plant.order("five.csv", 5), None, None))
    with monkeypatch.context() as patch:
        patch.setattr(jobwork, "prepare_jobs", lambda store, batch: [])
        plant.work()
    assert plant.store.batch("five").state == "OPEN"

    def refuse(*arguments: object, **named: object) -> None:
        raise RecordError("batch five: row 1: too long", code="PREPARE")

    monkeypatch.setattr(jobwork, "prepare_batch", refuse)
    plant.put(*prepare_jobs(plant.store, "five"))
    assert plant.work() == [("prepare", "batch five: row 1: too long")] * 2
    lot = plant.store.batch("five")
    assert (lot.state, lot.why is not None and lot.why.endswith("failed: PREPARE")) == ("HELD", True)
    assert [event["code"] for event in plant.events("JOB_FAILED")][-2:] == ["PREPARE", "PREPARE"]
    Office(plant.store, lot, ("ana",)).unhold("looked at")


def test_a_worker_that_dies_each_time_is_given_up(plant: Plant) -> None:
    plant.work()
    (number,) = plant.put(report_job("one", plant.folder / "never"))
    with open_queue(plant.store) as queue:
        queue._app.connector.get_sync_connector().execute_query(  # as three dead workers leave it
            "update procrastinate_jobs set status = 'doing', attempts = 3 where id = %(number)s", number=number
        )
    assert plant.work(stalled_s=0) == []
    assert plant.jobs()[-1].state == "failed"
    assert plant.events("JOB_FAILED")[-1] == {"job": number, "kind": "report", "batch": "one", "code": "WORKER_DIED"}


def test_sqlite_has_no_queue(tmp_path: Path) -> None:
    with (
        open_store(f"sqlite:///{tmp_path / 's.db'}", operator="ana", create=True) as store,
        pytest.raises(StoreError, match="jobs need a store on PostgreSQL"),
        open_queue(store),
    ):
        pass


def test_a_live_worker_ends(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 's.db'}", operator="ana", create=True, kind="LIVE") as store:
        place = Workplace(store, lambda profile: nullcontext(profile.test_keystore()))
        with pytest.raises(StoreError, match="logged out after ten minutes"):
            run_worker(place, print)


def test_the_verbs(plant: Plant, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant.work()
    order = plant.order("six.csv", 6)
    tail = ["--store", plant.url, "--operator", "ana"]
    call: Callable[..., int] = lambda *words: run(["jobs", *words, *tail])  # noqa: E731
    assert call("import", PROFILE, str(order)) == 0
    assert "import" in capsys.readouterr().err
    assert call("import", PROFILE, str(order)) == 0
    assert "waits already" in capsys.readouterr().err
    assert call("worker", "--once", "--json") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["kind"], one["batch"], one["outcome"]) for one in told] == [
        ("import", "six", "done"), ("prepare", "six", "done"), ("prepare", "six", "done"),
    ]  # fmt: skip
    assert (call("prepare", "six"), call("report", "six", str(tmp_path / "r")), call("worker", "--once")) == (0, 0, 0)
    assert "rows 1-2: done" in capsys.readouterr().err
    assert call("list", "--json") == 0
    assert {one["state"] for one in json.loads(capsys.readouterr().out)[-3:]} == {"succeeded"}
    assert call("list") == 0
    assert "six rows 3-4" in capsys.readouterr().out
    assert (call("import", PROFILE, "no-such.csv"), call("prepare", "nothing")) == (4, 4)
    assert (tmp_path / "r" / "report.html").exists()
    assert not (plant.folder / "never").exists()


def test_who_works_in_the_office_queues_and_does_jobs_and_a_station_does_not(plant: Plant) -> None:
    plant.work()
    server = postgres.server()
    database = plant.url.split("@/")[1].split("?")[0]
    server.login("clerk", "cardkit_office")
    server.login("machine", "cardkit_station")
    with open_store(server.url(database, plant.folder, "clerk"), operator="clerk") as store:
        with open_queue(store) as queue:
            number = queue.put(import_job(PROFILE, plant.order("seven.csv", 7), None, None))
        done: list[int] = []
        place = Workplace(store, lambda profile: nullcontext(profile.test_keystore()))
        run_worker(place, lambda job, kind, about, outcome: done.append(job), once=True)
        assert (done[0], len(done), store.batch("seven").imported) == (number, 3, ROWS)
    with (
        open_store(server.url(database, plant.folder, "machine"), operator="machine") as store,
        pytest.raises(StoreError, match="the queue of jobs cannot be made"),
        open_queue(store),
    ):
        pass
