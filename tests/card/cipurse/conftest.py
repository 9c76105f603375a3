"""A blank card with a bench in front of it."""

import pytest

from cardkit.virtual import load_image, make_card
from cardkit.virtual.image import images

from .terminal import Bench


@pytest.fixture
def bench():
    return Bench(make_card("cipurse", seed=1))


@pytest.fixture
def variant(tmp_path):
    """A bench with a card whose image differs in some lines, given as TOML."""

    def make(*lines):
        path = tmp_path / "variant.toml"
        path.write_text('[chip]\nlike = "cipurse"\n' + "\n".join(lines))
        return Bench(make_card(load_image(path), seed=1))

    assert "cipurse" in images()
    return make
