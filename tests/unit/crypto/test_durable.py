"""What survives a power cut: content and name are both brought to the disk, in this order."""

import os
import stat

import pytest

from cardkit.crypto import datakey, durable


@pytest.fixture
def synced(monkeypatch):
    """What was brought to the disk: "content" or "names"."""
    kinds = []
    real = os.fsync

    def fsync(handle):
        kinds.append("names" if stat.S_ISDIR(os.fstat(handle).st_mode) else "content")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return kinds


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="the platform cannot open folders")
@pytest.mark.parametrize("write", [lambda path: durable.replace_file(path, b"content"), datakey.load_or_create])
def test_content_and_name_are_brought_to_the_disk(tmp_path, synced, write):
    write(tmp_path / "file")

    assert synced == ["content", "names"]
