"""Images of transport cards: what contradicts itself is refused by name."""

import pytest

from cardkit.virtual import ImageError, load_image


def load(tmp_path, text):
    path = tmp_path / "image.toml"
    path.write_text('[chip]\nlike = "cipurse"\n' + text)
    return load_image(path)


@pytest.mark.parametrize(("text", "message"), [
    ('id_info = "0202"', "id_info of 9 bytes"),
    ("protocols = [0, 1]", "protocols"),
    ('[behaviour]\nsmr_match = "about"', "smr_match is 'about', expected one of minimum, exact"),
    ('[behaviour]\nlifecycle = "dead"', "lifecycle is 'dead'"),
    ("[behaviour]\nunknown = 1", "unknown"),
    ("[memory]\nfloppy = 1", "floppy"),
    ('[mf]\nart = "FF"', "mf: expected FID 3F00"),
    ('[transport]\nkey = "7373"', "transport key of 16 bytes"),
    ('[mf]\nheader = "38 00 3F"', "header of 7 bytes"),
])  # fmt: skip
def test_contradictions_are_named(tmp_path, text, message):
    with pytest.raises(ImageError, match=message):
        load(tmp_path, text)


@pytest.mark.parametrize(("name", "syntax"), [("cipurse-v1", 1), ("cipurse-v2", 2), ("cipurse", 3)])
def test_the_syntax_is_that_of_ef_id_info(name, syntax):
    image = load_image(name)
    assert image.syntax == syntax
    assert image.historical == b"VC-1"
    assert image.serial_size == 6
