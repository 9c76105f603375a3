"""A USIM whose files have room for every algorithm, and a terminal that speaks hex to it."""

from pathlib import Path

import pytest

from cardkit.virtual import VirtualCard
from cardkit.virtual import image as image_module
from tests.card.conftest import Terminal

IMAGES = Path(image_module.__file__).parent / "images"
CONSTANTS = '"3F00/A515/6F21" = { name = "EF.MILENAGE_CFG", size = 85, access = "key" }\n'


@pytest.fixture(scope="session")
def wide_image(tmp_path_factory):
    text = (IMAGES / "usim.toml").read_text()
    text = text.replace('"EF.USIM_AUTH_KEY", size = 33', '"EF.USIM_AUTH_KEY", size = 67')
    text = text.replace('"3F00/A515/6F01" ', CONSTANTS + '"3F00/A515/6F01" ')
    text = text.replace('services = "3F00/7FF0/6F38"', 'services = "3F00/7FF0/6F38"\nconstants = "3F00/A515/6F21"')
    text = text.replace("[[authenticate]]            # 2G", "[[unused]]  #")
    path = tmp_path_factory.mktemp("image") / "wide.toml"
    path.write_text(text)
    return path


@pytest.fixture
def wide(wide_image):
    return Terminal(VirtualCard(wide_image, seed=1))


@pytest.fixture
def bare():
    return Terminal(VirtualCard("uicc-bare", seed=1))


def tlv(tag, value):
    """Hex in, hex out."""
    size = len(value) // 2
    return f"{tag}{size:02X}{value}" if size < 128 else f"{tag}81{size:02X}{value}"


def template(*parts):
    """CREATE or RESIZE FILE: the command data."""
    return tlv("62", "".join(tlv(tag, value) for tag, value in parts))


def ef(fid, size, *more, kind="4121", state="05", security=("8B", "2F0601"), sfi=""):
    parts = [("82", kind), ("83", fid), ("8A", state), security, ("80", f"{size:04X}"), ("88", sfi), *more]
    return template(*parts)


def df(fid, *more, state="05", security=("8B", "2F0602")):
    return template(
        ("82", "7821"), ("83", fid), *more, ("8A", state), security, ("81", "1000"), ("C6", "90017083010183010A")
    )


def create(terminal, data):
    return terminal(f"00E00000{len(data) // 2:02X}{data}")


RULES = (
    "8001019000 80015A A40683010A950108 8401D4 A40683010A950108".replace(" ", ""),  # 1: read always, else ADM1
    "80017F A40683010A950108".replace(" ", ""),  # 2: directories: ADM1
    "8001019700 80015A A40683010A950108".replace(" ", ""),  # 3: read never
)


def build_mf(terminal):
    """VERIFY ADM1, MF and EF.ARR; the MF is current."""
    terminal.adm()
    assert create(terminal, df("3F00")) == "9000"
    assert create(terminal, ef("2F06", 4 * 48, kind="42210030")) == "9000"
    for number, rule in enumerate(RULES, 1):
        assert terminal(f"00DC{number:02X}0430{rule.ljust(96, 'F')}") == "9000"
    assert terminal("00A4000C023F00") == "9000"
    return terminal


@pytest.fixture
def built(bare):
    return build_mf(bare)


def reopened(terminal, tmp_path):
    """The same chip after its process was killed."""
    return Terminal(VirtualCard(terminal.card.image, store=tmp_path / "chip"))


@pytest.fixture
def stored(tmp_path):
    return build_mf(Terminal(VirtualCard("uicc-bare", seed=1, store=tmp_path / "chip")))


LINKED = """
[chip]
name = "linked"
title = "linked"
atr = "3B00"
protocols = [1]
classes = [0]
arr = 0
[rules]
all = "800103 9000 8401D4 9000"
[files]
"3F00" = { name = "MF", access = "all" }
"3F00/2F01" = { name = "A", size = 2, access = "all", data = "0102" }
"3F00/2F02" = { name = "B", size = 2, access = "all", link = "3F00/2F01" }
[[secrets]]
reference = 0x0A
state = "C00303 4142434445464748"
"""
