from __future__ import annotations

import pytest

from cardkit.apps.gp import aids
from cardkit.errors import EncodingError


@pytest.mark.parametrize(
    ("aid", "name"),
    [
        ("A000000151000000", "issuer security domain"),
        ("A00000015153504101", "security domain module"),
        ("A0000001515350", "security domain package"),
        ("A0000005591010FFFFFFFF8900000200", "ECASD"),
        ("D276000005AAFFCAFE0001", ""),
        ("", ""),
    ],
)
def test_names_of_aids(aid: str, name: str) -> None:
    assert aids.aid_name(bytes.fromhex(aid)) == name


@pytest.mark.parametrize("size", [0, 4, 17])
def test_length_of_an_aid(size: int) -> None:
    with pytest.raises(EncodingError, match=f"load file AID: got {size} bytes, expected 5 to 16"):
        aids.checked_aid(bytes(size), "load file AID")
    assert aids.checked_aid(bytes(16)) == bytes(16)
