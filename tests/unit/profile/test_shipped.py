"""What the package ships loads, and an order of either form gives the same cards."""

from pathlib import Path

import pytest

from cardkit.profile import load_profile, read_order
from cardkit.profile.locate import roots

SHIPPED = [path.parent for root in roots() for path in sorted(root.glob("*/*/profile.toml"))]


@pytest.mark.parametrize("folder", SHIPPED, ids=[folder.name for folder in SHIPPED])
def test_profile_loads_and_reads_its_order(folder: Path):
    profile = load_profile(folder)
    order = read_order(profile, folder / "order.csv", profile.test_keystore())

    assert folder.name == profile.name
    assert (0, order.rows) == (len(order.quarantined), len(order.records))


def test_order_under_a_header_line_gives_the_same_records(tmp_path):
    real = load_profile("sim/usim-test")
    lines = (real.path.parent / "order.csv").read_text(encoding="utf-8").splitlines()[1:4]
    text = real.path.read_text(encoding="utf-8")
    start, end = text.index("[layout]"), text.index("[uicc.network]")
    profile = tmp_path / "profile.toml"
    headed = 'layout = "sim-header"\n' + text[:start] + text[end:]
    profile.write_text(headed.replace('transport = ""', 'transport = "header.auc_key"'), encoding="utf-8")
    (tmp_path / "test-keys.toml").write_bytes((real.path.parent / "test-keys.toml").read_bytes())
    rows = [line.replace(",", " ") for line in lines]
    (tmp_path / "order.txt").write_text("\n".join(["00233 141114091800 3 0605 1 0 0", *rows, ""]), encoding="ascii")

    loaded = load_profile(profile)
    keystore = loaded.test_keystore()
    expected = read_order(real, real.path.parent / "order.csv", keystore).records[:3]
    assert [dict(record) for record in expected] == [
        dict(record) for record in read_order(loaded, tmp_path / "order.txt", keystore).records
    ]
