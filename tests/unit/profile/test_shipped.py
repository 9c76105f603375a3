"""What the package ships loads, and an order of either form gives the same cards."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

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


def test_columns_by_the_names_of_sim_tools_some_of_them_encrypted(tmp_path):
    """GSMA FS.28 style: names in capitals, Ki under AES-CBC with the fixed IV, the key in the key store."""
    real = load_profile("sim/usim-test")
    text = real.path.read_text(encoding="utf-8")
    start, end = text.index("[layout]"), text.index("[uicc.network]")
    wrapped = '{ type = "key", algorithm = "AES-128", transport = "order:k4", wrap = "aes-cbc-23", kcv = "504A77" }'
    text = 'layout = "sim-csv"\n' + text[:start] + text[end:]
    text = text.replace('ki = { type = "key", algorithm = "AES-128", transport = "" }', f"ki = {wrapped}")
    (tmp_path / "profile.toml").write_text(text, encoding="utf-8")
    keys = (real.path.parent / "test-keys.toml").read_text(encoding="utf-8")
    k4 = 'k4 = { usage = "transport-in", algorithm = "AES-128", hex = "404142434445464748494A4B4C4D4E4F" }'
    (tmp_path / "test-keys.toml").write_text(f"{keys}\n[order]\n{k4}\n", encoding="utf-8")
    names, *rows = (real.path.parent / "order.csv").read_text(encoding="utf-8").splitlines()[:4]
    place = names.split(",").index("ki")
    sealed = []
    for row in rows:
        cells = row.split(",")
        encryptor = Cipher(algorithms.AES(bytes(range(0x40, 0x50))), modes.CBC(b"\x23" * 16)).encryptor()
        cells[place] = encryptor.update(bytes.fromhex(cells[place])).hex()
        sealed.append(",".join(cells))
    (tmp_path / "order.csv").write_text("\n".join([names.upper(), *sealed, ""]), encoding="ascii")

    loaded = load_profile(tmp_path / "profile.toml")
    expected = read_order(real, real.path.parent / "order.csv", real.test_keystore()).records[:3]
    order = read_order(loaded, tmp_path / "order.csv", loaded.test_keystore())
    assert [dict(record) for record in expected] == [dict(record) for record in order.records]
