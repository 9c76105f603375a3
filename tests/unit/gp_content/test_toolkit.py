"""Toolkit parameters against the bytes of another implementation."""

from __future__ import annotations

from typing import Any

import pytest

from cardkit.apps.gp.install_toolkit import FileAccess, Toolkit, sim_parameters, uicc_parameters
from cardkit.errors import EncodingError

from .vectors import named


def toolkit(values: dict[str, Any]) -> Toolkit:
    level = values.get("msl")
    return Toolkit(
        values["priority"], values["timers"], values["text_len"], (), values["channels"],
        None if level is None else int(level, 16), (bytes.fromhex(values["tar"]),),
    )  # fmt: skip


def test_sim_parameters() -> None:
    vector = named("gp_commands.json", "sim-specific-parameters-ca")
    values = vector["in"]
    made = sim_parameters(toolkit(values), bytes.fromhex(values["access_domain"]))
    assert made.hex().upper() == vector["out"]["value"]


def test_uicc_parameters() -> None:
    vector = named("gp_commands.json", "uicc-system-specific-parameters")
    values = vector["in"]
    access = [
        FileAccess(*(bytes.fromhex(entry[name]) for name in ("aid", "domain", "dap"))) for entry in values["access"]
    ]
    made = uicc_parameters(toolkit(values["toolkit"]), access, services=values["toolkit"]["services"])
    assert made.hex().upper() == vector["out"]["value"]
    assert uicc_parameters(None) == b""


def test_menu_entries_are_counted() -> None:
    assert Toolkit(menu=((1, 2), (3, 4))).build().hex() == "01000002" + "01020304" + "00" + "00" + "00"


@pytest.mark.parametrize("wrong", [Toolkit(tars=(b"\x01\x02",)), Toolkit(timers=256), Toolkit(menu=((1, 256),))])
def test_what_does_not_fit(wrong: Toolkit) -> None:
    with pytest.raises(EncodingError, match="toolkit parameters"):
        wrong.build()
