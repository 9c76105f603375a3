"""Findings bring the secrecy of what they may quote."""

from __future__ import annotations

import pytest

from cardkit.apps.uicc.rules.check import Trouble
from cardkit.apps.uicc.rules.engine import finding
from cardkit.desired import Observations, Part, Secrecy
from cardkit.perso.planner import compiled
from cardkit.profile import read_order


@pytest.mark.parametrize(
    ("where", "secrecy"),
    [
        ("MF/EF.ICCID", Secrecy.PUBLIC),
        ("ADF.USIM/EF.IMSI", Secrecy.PERSONAL),
        ("ADF.USIM/EF.MSISDN#1", Secrecy.PERSONAL),
        ("ADF.USIM/EF.USIM_AUTH_KEY", Secrecy.SECRET),
        ("DF.VENDOR/EF.4F99", Secrecy.SECRET),
        ("ATR", Secrecy.PUBLIC),
        ("ADM1", Secrecy.PUBLIC),
        ("marker started", Secrecy.PUBLIC),
    ],
)
def test_a_finding_has_the_secrecy_of_its_file(where, secrecy):
    assert finding("UICC-030", Trouble(where, "01", "00")).secrecy is secrecy


def test_a_relation_that_quotes_a_personal_file_is_personal(profile):
    """EF.AD, which UICC-006 names, is public; the IMSI it is compared with is not."""
    blueprint = compiled(profile)
    record = read_order(profile, profile.path.parent / "order.csv", profile.test_keystore()).records[0]
    contents = {**blueprint.fill(record, bytes(16), {}), "ADF.USIM/EF.IMSI": bytes.fromhex("089910101032547698")}
    seen = Observations(bodies={name: body for name, body in contents.items() if isinstance(body, bytes)})
    found = {each.rule: each for each in blueprint.judge(contents, seen, Part.CHECK)}
    assert "IMSI starts with 90101" in found["UICC-006"].actual
    assert (found["UICC-006"].where, found["UICC-006"].secrecy) == ("ADF.USIM/EF.AD", Secrecy.PERSONAL)
    assert found["UICC-110"].secrecy is Secrecy.PERSONAL
    assert found["UICC-011"].secrecy is Secrecy.PUBLIC
