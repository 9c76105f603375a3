"""The package stands alone: copied elsewhere under another name it serves a card, with nothing else of the project."""

import ast
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import cardkit.virtual
from cardkit.virtual import load_image, make_card

FOLDER = Path(cardkit.virtual.__file__).parent

SERVE = """
import sys
sys.path.insert(0, sys.argv[1])
import othertower
from othertower.vpcd import serve
assert not any(name.split(".")[0] == "cardkit" for name in sys.modules)
serve(othertower.make_card(sys.argv[3], seed=1), "127.0.0.1", int(sys.argv[2]))
"""


@pytest.mark.parametrize(
    ("image", "select", "answer"),
    [
        ("usim", "00A4000C023F00", b"\x90\x00"),
        ("gp-scp03", "00A404000411111111", b"\x6a\x82"),
        ("usim-isim-5g", "00A4000C023F00", b"\x90\x00"),
        ("emv-cps", "00A404000411111111", b"\x6a\x82"),
        ("emrtd-native", "00A4000C023F00", b"\x90\x00"),
        ("desfire-ev2", "00A4000C023F00", b"\x90\x00"),
        ("cipurse", "00A4000C023F00", b"\x90\x00"),
    ],
)
def test_copied_under_another_name_it_serves_a_card(tmp_path, image, select, answer):
    shutil.copytree(FOLDER, tmp_path / "othertower", ignore=shutil.ignore_patterns("__pycache__"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        port = str(listener.getsockname()[1])
        command = [sys.executable, "-I", "-c", SERVE, str(tmp_path), port, image]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as process:
            link, _ = listener.accept()
            with link:
                link.sendall(b"\x00\x01\x04")
                assert link.recv(100)[2:] == make_card(image).atr()
                link.sendall(bytes((0, len(select) // 2)) + bytes.fromhex(select))
                assert link.recv(100) == b"\x00\x02" + answer
            errors = process.communicate(timeout=60)[1]
    assert process.returncode == 0, errors.decode()


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.name)
def test_imports_are_the_standard_library_cryptography_or_relative(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            roots = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            roots = {node.module.split(".")[0]}
        else:
            continue
        assert roots <= set(sys.stdlib_module_names) | {"cryptography"}, path.name


def test_nothing_posix_only_is_imported():
    posix = {"fcntl", "pwd", "grp", "resource", "termios", "posix"}
    for path in FOLDER.rglob("*.py"):
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert not names & posix, path.name


def test_images_are_one_line_per_file():
    for name in ("gsm-r", "sim2g", "uicc-bare", "usim", "usim-isim-5g"):
        lines = (FOLDER / "images" / f"{name}.toml").read_text().splitlines()
        files = [line for line in lines if line.startswith('"3F00')]
        assert len(files) == len(load_image(name).files)
