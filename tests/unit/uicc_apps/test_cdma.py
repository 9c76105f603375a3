"""CSIM and R-UIM on one card are read in names."""

from __future__ import annotations

from cardkit.apps.iso7816.commands import Ins
from cardkit.apps.uicc.admin import NewDirectory, NewFile, create_file
from cardkit.apps.uicc.client import UiccSession
from cardkit.apps.uicc.dump import tree_lines, walk
from cardkit.apps.uicc.files.spec import Structure
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard

OPEN = bytes.fromhex("AB05 80017F 9000")
IMSI_M = bytes.fromhex("00BC01C811036380D100")
SERVICES = bytes.fromhex("03 0C 00 00 30")
MDN = bytes.fromhex("0A55153A5476FFFFFF0A00")


def built() -> Channel:
    channel = Channel(LoopbackConnection(VirtualCard("uicc-bare", seed=1)))
    session = UiccSession(channel)
    session.submit(Ins.VERIFY, 0x0A, Secret(bytes.fromhex("4142434445464748"), "ADM1"))

    def make(*files: tuple[int, bytes, int]) -> None:
        for fid, body, record in files:
            kind = Structure.LINEAR_FIXED if record else Structure.TRANSPARENT
            session.require(create_file(NewFile(fid, kind, len(body), OPEN, record, fill=body)), "CREATE FILE")

    def enter(new: NewDirectory) -> None:
        session.select(())
        session.require(create_file(new), "CREATE FILE")

    session.require(create_file(NewDirectory(0x3F00, OPEN, 4000)), "CREATE FILE")
    make((0x2FE2, bytes.fromhex("98999010000000000012"), 0))
    enter(NewDirectory(0x7F25, OPEN, 500))
    make(
        (0x6F32, SERVICES, 0), (0x6F22, IMSI_M, 0), (0x6F31, bytes.fromhex("04 04030201 000000"), 0), (0x6F44, MDN, 11)
    )
    enter(NewDirectory(0x7FF3, OPEN, 500, bytes.fromhex("A0000003431002FFFFFFFF8907090000")))
    make((0x6F32, bytes.fromhex("05"), 0), (0x6F44, MDN, 11))
    return channel


def test_csim_and_ruim_are_read_in_names():
    document = walk(built())
    found = {d["name"]: {file["name"]: file for file in d["files"]} for d in document["directories"]}
    assert set(found) == {"MF", "DF.CDMA", "ADF.CSIM"}
    ruim, csim = found["DF.CDMA"], found["ADF.CSIM"]
    assert ruim["EF.CST"]["value"] == {"activated": [1, 6, 19], "allocated": [1, 6, 19]}
    assert csim["EF.CST"]["value"] == {"services": [1, 3]}
    assert ruim["EF.IMSI_M"]["value"]["mcc"] == "310"
    assert ruim["EF.RUIMID"]["value"] == {"id": "04030201", "rest": "000000"}
    assert csim["EF.MDN"]["records"][0]["value"]["number"] == "5551034567"
    assert ruim["EF.MDN"]["records"][0]["value"] == csim["EF.MDN"]["records"][0]["value"]
    lines = list(tree_lines(document))
    assert any(line.strip().startswith("DF.CDMA") for line in lines)
    assert any("ADF.CSIM  (A0000003431002FFFFFFFF8907090000" in line for line in lines)
