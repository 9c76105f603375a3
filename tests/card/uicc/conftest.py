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
