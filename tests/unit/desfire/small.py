"""The smallest product: one application, three keys, one file of 400 bytes."""

from __future__ import annotations

import shutil

from tests.unit.desfire.conftest import FOLDER

PROFILE = """
[profile]
name = "desfire-small"
version = 1
family = "transport"
kind = "TEST"
chip = "virtual-desfire-{generation}"
apps = ["desfire"]
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

[desfire]
card = "{generation}"

[desfire.picc]
key = {{ name = "card master", ref = "test:city-card", version = 1 }}
settings = "0B"
diversify = {{ m = ["uid", "aid", "ascii:UZTR01"] }}

[[desfire.apps]]
aid = "F21190"
name = "small"
settings = "0B"
keys = [
    {{ name = "master", ref = "test:city-master", version = 1 }},
    {{ name = "validator", ref = "test:city-validator", version = 1 }},
    {{ name = "reload", ref = "test:city-reload", version = 1 }},
]
diversify = {{ m = ["uid", "aid", "ascii:UZTR01"] }}

[[desfire.apps.files]]
no = 1
name = "contents"
type = "standard"
mode = "enc"
read = "validator"
write = "{writer}"
change = "master"
size = {size}
fields = [{{ name = "contents", as = "hex", size = {size}, value = "{{contents}}" }}]
"""


def small_product(folder, generation, size, writer="master", rows=1):
    """Write the product into a folder and return it."""
    shutil.copy(FOLDER / "desfire-ev1-city" / "test-keys.toml", folder)
    (folder / "profile.toml").write_text(PROFILE.format(generation=generation, size=size, writer=writer))
    lines = [bytes((number + byte) % 256 for byte in range(size)).hex().upper() for number in range(rows)]
    (folder / "order.csv").write_text("\n".join(["contents", *lines]) + "\n")
    return folder
