"""No key is left in memory after a job: the process reads its own pages and looks for every key it worked with (K10).

The keys are kept masked while the job runs, so that the search does not find itself. Run by `make memory`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
# Copies that a library leaves behind and nobody here can wipe, each with its reason.
ACCEPTED = {"password": (2, "Argon2id of OpenSSL frees its copy of each password it stretches without clearing it")}

# What runs: a key store is made and opened, keys are used and a batch's cells sealed; then everything is dropped.
JOB = """
import gc, os, re, sys
from pathlib import Path
from cardkit.crypto import Key, Secret, Usage
from cardkit.crypto.cell import CellAddress, CellCipher, NONCE_BYTES
from cardkit.crypto.credential import Credential
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.keymaking import random_key
from cardkit.crypto.management import NewKey
from cardkit.crypto.marker import Binding, MarkerState

MASK = 0xA5
leak = sys.argv[1] == "leak"
kept = []

def masked(name, value):
    kept.append((name, bytes(byte ^ MASK for byte in value)))

def fresh(size):
    return bytearray(os.urandom(size))

def wipe(value):
    value[:] = bytes(len(value))

def key_file():
    phrase = Secret(b"a phrase of this run", "phrase")
    value = fresh(32)
    masked("imported key", value)
    with FileKeyStore.create(Path("k"), "LIVE", phrase) as store:
        store.import_key(NewKey("plant:marker", "HMAC-256", Usage.DATA_MAC), value)
        store.generate(NewKey("plant:audit", "ED25519", Usage.AUDIT_SIGN))
    wipe(value)
    with FileKeyStore.open(Path("k"), phrase) as store:
        store.marker("plant:marker", Binding("B", 1, 1), MarkerState.STARTED)
        store.sign_audit("plant:audit", b"message")

def cells():
    value = fresh(32)
    masked("batch key", value)
    key = Key(value, "cells", "AES-256", Usage.FIELD_ENC)
    wipe(value)
    cipher = CellCipher(key)
    address = CellAddress("i", "B", 1, "record", 1)
    cipher.open(address, cipher.seal(address, b"record", os.urandom(NONCE_BYTES)))
    key.wipe()

def password():
    value = fresh(24)
    masked("password", value)
    secret = Secret(value, "password")
    wipe(value)
    Credential.new(b"label", "ana", secret).accepts(b"label", "ana", secret)
    secret.wipe()

def found(needle):
    hits = 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            area = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if area is None or "[v" in line:
                continue
            start, end = (int(part, 16) for part in area.groups())
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            hits += search(content, needle)
            del content
    return hits

def search(content, needle):
    # The needle is unmasked byte by byte, so that it is nowhere in one piece.
    first = bytes((needle[0] ^ MASK,))
    at, hits = content.find(first), 0
    while at >= 0:
        if at + len(needle) <= len(content) and all(content[at + i] == byte ^ MASK for i, byte in enumerate(needle)):
            hits += 1
        at = content.find(first, at + 1)
    return hits

for job in (key_file, cells, password):
    job()
if leak:
    left = bytes(byte ^ MASK for byte in kept[0][1])
gc.collect()
for name, needle in kept:
    print(name, found(needle))
"""


@pytest.mark.requirement("K10")
@pytest.mark.skipif("CARDKIT_MEMORY" not in os.environ, reason="run by make memory: it reads all of a process's memory")
@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs /proc/self/mem")
@pytest.mark.parametrize("build", ["sound", "leak"])
def test_no_key_is_left_in_memory(build: str, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    run = [sys.executable, "-c", JOB, build]
    done = subprocess.run(run, check=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=3000)
    left = {name: int(hits) for name, _, hits in (line.rpartition(" ") for line in done.stdout.splitlines())}
    print(left)
    assert set(left) == {"imported key", "batch key", "password"}
    if build == "leak":  # the control: a copy that is kept is seen
        assert left["imported key"] >= 1
    else:
        assert {name: hits for name, hits in left.items() if hits > ACCEPTED.get(name, (0, ""))[0]} == {}
