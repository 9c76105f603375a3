"""What another program says is on our card: pySim 597f1e0 read one made from row 1 of the test order, over PC/SC.

The vectors hold the bytes pySim saw and its words for them. Our card must hold those bytes, and the words must be what
order and profile ask for: so an independent decoder stands between the order and the card, whatever our codecs think.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cardkit.perso import personalize
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard

from .conftest import USIM_TEST, Job

VIEW = {row["name"]: row for row in json.loads((Path(__file__).parents[2] / "vectors/pysim_view.json").read_text())}

HOME = {"mcc": "001", "mnc": "01"}
DOMAIN = "ims.mnc001.mcc001.3gppnetwork.org"
E_UTRAN = ["E-UTRAN NB-S1", "E-UTRAN WB-S1"]
ALL_BUT_5G = [*E_UTRAN, "EC-GSM-IoT", "GSM", "UTRAN"]
INTERNATIONAL = {"ext": True, "type_of_number": "international", "numbering_plan_id": "isdn_e164"}


def wanted(row: Mapping[str, str]) -> dict[str, Any]:
    """Order and profile in pySim's words; where it shows more than the order says, the part that matters."""
    imsi = {"imsi": row["imsi"]}
    access_class = [int(row["imsi"][-1])]
    spn = {"spn": "Test Operator", "show_in_hplmn": True, "hide_in_oplmn": True}
    number = {"dialing_nr": row["msisdn"], "ton_npi": INTERNATIONAL}
    center = {"length": 7, "ton_npi": INTERNATIONAL, "call_number": "99901000000"}
    parameters = {"tp_sc_addr": center, "tp_pid": "00", "tp_dcs": "00", "tp_vp_minutes": 1440}
    mode_2g = {"ms_operation_mode": "normal", "ofm": True, "extensions": {"rfu3": 0, "mnc_len": 2, "extensions": ""}}
    ciphering = {
        "ciphering_indicator": True,
        "csg_display_control": False,
        "prose_services": False,
        "extended_drx": False,
    }
    return {
        "MF/EF.ICCID": {"iccid": row["iccid"]},
        "MF/EF.DIR": [application("USIM", "1002"), application("ISIM", "1004")],
        "ADF.USIM/EF.IMSI": imsi,
        "ADF.USIM/EF.AD": {"ms_operation_mode": "normal", "additional_info": ciphering, "mnc_len": 2},
        "ADF.USIM/EF.ACC": access_class,
        "ADF.USIM/EF.UST": [
            *(2, 10, 12, 13, 15, 16, 17, 18, 19, 20, 21, 27, 29, 33, 42, 43, 45, 46, 51, 71, 73, 74, 85, 96, 97),
            *(106, 107),
        ],
        "ADF.USIM/EF.PLMNwAcT": [{**HOME, "act": ALL_BUT_5G}],
        "ADF.USIM/EF.OPLMNwAcT": [
            {**HOME, "act": E_UTRAN},
            {"mcc": "999", "mnc": "70", "act": [*E_UTRAN, "NG-RAN"]},
        ],
        "ADF.USIM/EF.HPLMNwAcT": [{**HOME, "act": ["NG-RAN"]}, {**HOME, "act": ALL_BUT_5G}],
        "ADF.USIM/EF.EHPLMN": [HOME],
        "ADF.USIM/EF.SPN": spn,
        "ADF.USIM/EF.MSISDN": number,
        "ADF.USIM/EF.SMSP": parameters,
        "ADF.USIM/EF.ePDGId": {
            "e_pdg_id": {"type_of_ePDG_address": "FQDN", "ePDG_address": "epdg.epc.mnc001.mcc001.pub.3gppnetwork.org"}
        },
        "ADF.USIM/EF.ePDGSelection": {
            "e_pdg_selection": [{"plmn": "001-01", "epdg_priority": 1, "epdg_fqdn_format": "operator_identified"}]
        },
        "ADF.ISIM/EF.IMPI": {"nai": f"{row['imsi']}@{DOMAIN}"},
        "ADF.ISIM/EF.DOMAIN": {"domain": DOMAIN},
        "ADF.ISIM/EF.IMPU": {"impu": f"sip:{row['imsi']}@{DOMAIN}"},
        "ADF.ISIM/EF.P-CSCF": {"pcscf_address": {"type_of_address": "FQDN", "address": f"pcscf.{DOMAIN}"}},
        "ADF.ISIM/EF.AD": mode_2g,
        "DF.GSM/EF.IMSI": imsi,
        "DF.GSM/EF.PLMNsel": [HOME],
        "DF.GSM/EF.SPN": spn,
        "DF.GSM/EF.ACC": access_class,
        "DF.GSM/EF.AD": mode_2g,
        "DF.TELECOM/EF.MSISDN": number,
        "DF.TELECOM/EF.SMSP": parameters,
    }


def application(label: str, code: str) -> dict[str, Any]:
    aid = f"a000000087{code}ffffffff8907090000"
    return {"application_template": [{"application_id": aid}, {"application_label": label}]}


@pytest.fixture(scope="module")
def memory(job: Job) -> Mapping[str, bytes]:
    """What a card made from row 1 really holds."""
    chip = VirtualCard("usim", seed=1)
    outcome = personalize(job.plan(1), Card(LoopbackConnection(chip)), job.keystore)
    assert outcome.verdict.value == "GOOD"
    return chip.memory()


@pytest.fixture(scope="module")
def row() -> dict[str, str]:
    with (USIM_TEST / "order.csv").open(newline="") as order:
        return next(csv.DictReader(order))


@pytest.mark.parametrize("name", VIEW)
def test_the_card_holds_what_pysim_saw(memory, name):
    assert memory[VIEW[name]["path"]].hex().upper() == "".join(VIEW[name]["bodies"])


@pytest.mark.parametrize("name", VIEW)
def test_pysim_says_what_the_order_says(row, name):
    shown, asked = VIEW[name]["value"], wanted(row)[name]
    if isinstance(asked, dict):
        shown = {key: shown[key] for key in asked}
    assert shown == asked


def test_every_file_of_the_profile_was_seen(job: Job):
    files = {name.partition("#")[0] for name in job.profile.blocks["uicc"].files}
    assert files - set(VIEW) == set()
