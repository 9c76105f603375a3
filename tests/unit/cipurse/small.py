"""The card the sheet sets its bar with: a list, one application of two keys, four files, 400 bytes (transport 11)."""

from __future__ import annotations

import shutil

from tests.unit.cipurse.conftest import PROFILE

FILES, FILE_BYTES = 4, 100

_HEAD = """
[profile]
name = "cipurse-small"
version = 1
family = "transport"
kind = "TEST"
chip = "virtual-cipurse"
apps = ["cipurse"]
marker = "none"
test_keys = "test-keys.toml"

[record]
contents = {{ type = "hex", bytes = {size} }}

[layout]
kind = "delimited"
encoding = "utf-8"
newline = "any"
sep = ","
header = "names"

[cipurse]
diversify = {{ scheme = "an10922", m = ["uid", "aid", "key", "ascii:UTOPIA"] }}
pxse = [{{ name = "transport", fid = "2001", room = 4 }}]

[cipurse.mf]
art = ["40", "40", "F3", "40", "40", "40", "40", "40", "40"]
smr = ["mac/mac", "enc/mac", "plain/plain", "mac/mac"]
keys = {{ refs = ["test:mf-privacy", "test:mf-management"], spare = "test:mf-spare", manager = 2, kek = 2 }}

[[cipurse.applications]]
name = "city"
fid = "5F00"
aid = "D2760000041502000003000101"
register = "transport"
art = ["40", "D3", "42"]
smr = ["mac/mac", "enc/mac", "plain/plain", "mac/mac"]
keys = {{ refs = ["test:city-issuer", "test:city-gate"], kek = 2 }}
"""

_FILE = """
[[cipurse.applications.files]]
fid = "5F0{number}"
sfid = {number}
type = "binary+t"
size = {size}
art = ["40", "43", "01"]
smr = ["mac/mac", "{level}/mac", "plain/plain", "mac/mac"]
data = "{{contents}}"
"""


def small_product(folder):
    """Write the product into a folder and return it."""
    shutil.copy(PROFILE / "test-keys.toml", folder)
    files = (
        _FILE.format(number=number, size=FILE_BYTES, level=("mac", "enc")[number % 2]) for number in range(1, 1 + FILES)
    )
    (folder / "profile.toml").write_text(_HEAD.format(size=FILE_BYTES) + "".join(files))
    contents = bytes(range(1, 1 + FILE_BYTES)).hex().upper()
    (folder / "order.csv").write_text(f"contents\n{contents}\n")
    return folder
