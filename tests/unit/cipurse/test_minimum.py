"""The number of commands is the least there can be: computed here from contents and capacities, not from the plan."""

from __future__ import annotations

import tomllib
from math import ceil

import pytest

from cardkit.desired import Part
from cardkit.perso import Verdict, personalize

from .conftest import inserted
from .test_run import LOCKED, Counted, with_second

# What one command carries at a level (transport sheet 2.6).
SENT = {"plain": 254, "mac": 246, "enc": 231}
SESSION = 2  # challenge and authentication
SELECT, PERFORM = 1, 1


def least_to_write(profile) -> int:
    """Commands that make a card from a blank one whose MF is selected."""
    block = profile["cipurse"]
    whole = 0
    for number, app in enumerate(block["applications"]):
        # a session on the MF, which the creation of an application ends; lists are made in the first one
        whole += SESSION + 1 + (SELECT if number else len(block.get("pxse", ())))
        whole += SELECT + SESSION + PERFORM
        whole += sum(1 + pieces(file) for file in app["files"])
    return whole


def pieces(file) -> int:
    if "size" in file:
        written = "data" in file or "uid_at" in file or "fill" in file
        return ceil(file["size"] / SENT[file["smr"][1].split("/")[0]]) if written else 0
    return len(file.get("rows", ())) + len(file.get("values", ()))


def least_to_seal(profile, locks=0, locked_files=0) -> int:
    """Commands that close rules and replace every key of the MF."""
    keys = profile["cipurse"]["mf"]["keys"]
    changed = sum(attribute != "02" for attribute in keys["attr"])
    # rules of the MF, EF.ID_INFO selected and closed, eight keys, their attributes
    root = SELECT + SESSION + 1 + 2 + 8 + changed + PERFORM
    return root + (SELECT + SESSION + locks + 2 * locked_files if locks or locked_files else 0)


def told(job):
    with (job.profile.path.parent / "profile.toml").open("rb") as file:
        return tomllib.load(file)


def counts(job):
    parts = job.plan().blueprint.parts
    return len(parts[Part.WRITE]), len(parts[Part.SEAL])


def test_the_profile_takes_as_few_as_there_can_be(job):
    assert counts(job) == (least_to_write(told(job)), least_to_seal(told(job)))


def test_closed_rules_cost_one_command_each_and_a_selection_for_files(variant):
    job = variant(*LOCKED)
    assert counts(job) == (least_to_write(told(job)), least_to_seal(told(job), locks=1, locked_files=1))


def test_two_applications_and_long_contents(variant):
    job = with_second(variant)
    assert counts(job) == (least_to_write(told(job)), least_to_seal(told(job)))


@pytest.mark.parametrize("of", ["wire", "plan"])
def test_what_is_planned_is_sent(job, of):
    counted = Counted(job.fresh())
    assert personalize(job.plan(), inserted(counted), job.keystore).verdict is Verdict.GOOD
    steps = job.plan().steps
    assert (len(counted.sent) if of == "wire" else len(steps)) == sum(map(len, job.plan().blueprint.parts.values()))


FOUR_FILES = """
[[cipurse.applications]]
name = "city"
fid = "5F00"
aid = "D2760000041502000003000101"
register = "transport"
art = ["40", "D3", "42"]
smr = ["mac/mac", "enc/mac", "plain/plain", "mac/mac"]
keys = { refs = ["test:city-issuer", "test:city-gate"], kek = 2 }
""" + "".join(
    f"""
[[cipurse.applications.files]]
fid = "5F0{number}"
sfid = {number}
type = "binary+t"
size = 100
art = ["40", "43", "01"]
smr = ["mac/mac", "{level}/mac", "plain/plain", "mac/mac"]
fill = "AA"
"""
    for number, level in enumerate(("mac", "enc", "mac", "enc"), 1)
)


def test_one_application_four_files_400_bytes_are_within_the_floor(variant, job):
    """Sheet 11: PxSE, application with two keys, 4 files, 400 bytes, commit: 17 commands, 2 sessions, 1,050 bytes."""
    text = (job.profile.path.parent / "profile.toml").read_text(encoding="utf-8")
    job = variant((text[text.index("[[cipurse.applications]]") :], FOUR_FILES))
    counted = Counted(job.fresh())
    assert personalize(job.plan(), inserted(counted), job.keystore).verdict is Verdict.GOOD
    fence, write, *_ = (len(part) for part in job.plan().blueprint.parts.values())
    sent = counted.sent[fence : fence + write]
    assert sum(one[1] == 0x84 for one in sent) == 2
    assert (len(sent) <= 17, sum(map(len, sent)) <= 1050) == (True, True), (len(sent), sum(map(len, sent)))


def test_the_plan_prices_what_goes_over_the_line(job):
    """Commands to the byte, but for the Le that a protected one gets when the plain one has none."""
    counted = Counted(job.fresh())
    assert personalize(job.plan(), inserted(counted), job.keystore).verdict is Verdict.GOOD
    for step, command in zip(job.plan().steps, counted.sent, strict=True):
        extra = command[0] & 0x04 and not step.command.ne and len(command) == 6 + command[4]
        assert (step.serves, len(command) - bool(extra)) == (step.serves, step.bytes_in)
