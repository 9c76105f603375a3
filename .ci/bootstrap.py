"""Make .venv ready from nothing but python3: `python3 .ci/bootstrap.py demo|test`.

Standard library only, because it runs before anything is installed. Where the system may be changed (root, or sudo
without a password, and apt-get), missing Debian packages are installed; elsewhere one line says what is missing.
A Python without ensurepip (Debian without python3-venv) gets pip from PyPI, checked by its SHA-256.
"""

from __future__ import annotations

import hashlib
import html.parser
import importlib.util
import os
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
import tempfile
import urllib.parse
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
BUILD_PYSCARD = ["gcc", "libc6-dev", "libpcsclite-dev", "python3-dev"]
PACKAGES = {
    "demo": BUILD_PYSCARD,
    "test": [
        *BUILD_PYSCARD,
        "pcscd",
        "vsmartcard-vpcd",
        "pcsc-tools",
        "opensc",
        "iproute2",
        "util-linux",
        "libosmocore-utils",
        "softhsm2",
        "procps",
        "postgresql",
        "fuse3",
    ],
}
EXTRAS = {"demo": "", "test": "[dev]"}


def say(text: str) -> None:
    print(f"set-up: {text}", flush=True)


def run(*command: str, env: dict[str, str] | None = None) -> bool:
    """Run quietly; on failure show the end of what the command printed."""
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        tail = (done.stdout + done.stderr).strip().splitlines()[-12:]
        say(f"`{' '.join(command[:6])}` ended with {done.returncode}:\n  " + "\n  ".join(tail))
    return done.returncode == 0


def become_root() -> list[str] | None:
    """Return the prefix that makes a command run as root, or None."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def missing_packages(purpose: str) -> list[str]:
    if not shutil.which("dpkg-query"):
        return []
    status = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *PACKAGES[purpose]]
    listed = subprocess.run(status, capture_output=True, text=True, check=False).stdout
    present = {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
    return [name for name in PACKAGES[purpose] if name not in present]


def install_packages(purpose: str) -> None:
    missing = missing_packages(purpose)
    if not missing:
        return
    prefix = become_root()
    if prefix is None:
        say(f"system packages missing: {' '.join(missing)} (for the real PC/SC stack; virtual cards work without)")
        return
    say(f"installing system packages: {' '.join(missing)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(*prefix, "apt-get", "update", "-q", env=env)
    run(*prefix, "apt-get", "install", "-y", "-q", "--no-install-recommends", *missing, env=env)


def fetch(url: str) -> bytes:
    context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or None)
    request = urllib.request.Request(url, headers={"Accept": "text/html, application/octet-stream"})
    with urllib.request.urlopen(request, context=context, timeout=60) as answer:
        return bytes(answer.read())


class PipWheels(html.parser.HTMLParser):
    """Collects (version, address, SHA-256) of the stable pip wheels of a package index page (PEP 503)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.found: list[tuple[list[int], str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        match = re.search(r"/pip-([0-9.]+)-py3-none-any\.whl#sha256=([0-9a-f]{64})$", facts.get("href") or "")
        if tag == "a" and match and "data-yanked" not in facts:
            version = [int(part) for part in match[1].split(".")]
            self.found.append((version, urllib.parse.urljoin(self.page, facts["href"] or ""), match[2]))


def pip_wheel(folder: Path) -> Path:
    """Download the newest pip wheel from the package index and check its SHA-256."""
    page = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    wheels = PipWheels(page)
    wheels.feed(fetch(page).decode())
    if not wheels.found:
        raise SystemExit(f"set-up: {page} lists no pip wheel with a SHA-256")
    _, address, digest = max(wheels.found)
    body = fetch(address)
    if hashlib.sha256(body).hexdigest() != digest:
        raise SystemExit(f"set-up: {address}: SHA-256 differs from the index, nothing installed")
    wheel = folder / Path(urllib.parse.urlsplit(address).path).name
    wheel.write_bytes(body)
    return wheel


def make_venv() -> None:
    has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    venv.create(VENV, with_pip=has_ensurepip, clear=True, symlinks=os.name != "nt")
    if not has_ensurepip:
        say("this Python has no ensurepip (Debian: python3-venv): fetching pip from the package index")
        with tempfile.TemporaryDirectory() as folder:
            wheel = pip_wheel(Path(folder))
            if not run(str(PYTHON), f"{wheel}/pip", "install", "-q", "--no-index", str(wheel)):
                raise SystemExit("set-up: pip could not be installed")


def has_pcsc_headers() -> bool:
    return Path("/usr/include/PCSC/winscard.h").exists() and Path(sysconfig.get_path("include"), "Python.h").exists()


def install_pyscard() -> None:
    if sys.platform != "linux":
        return  # wheels exist there, and pyproject.toml already asks for it
    reason = "" if has_pcsc_headers() else "libpcsclite-dev and python3-dev are not installed"
    if not reason and not run(str(PYTHON), "-m", "pip", "install", "-q", "pyscard>=2.0.7,<3"):
        reason = "pyscard did not build"
    if reason:
        say(f"no PC/SC readers: {reason}; virtual cards work. Remedy: apt-get install {' '.join(BUILD_PYSCARD)}")


def main() -> None:
    purpose = sys.argv[1]
    # Not sys.version: its build date changes when the Debian packages that are installed here bring a newer python3.
    version = sys.version.split()[0]
    digest = hashlib.sha256(
        (ROOT / "pyproject.toml").read_bytes() + Path(__file__).read_bytes() + version.encode()
    ).hexdigest()
    stamp = VENV / f"ready-{purpose}"
    wanted = f"{digest} {has_pcsc_headers()} {ROOT}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if sys.version_info < (3, 11):
        raise SystemExit(f"set-up: Python 3.11 or later is needed, this is {version}")
    install_packages(purpose)
    if not PYTHON.exists() or not run(str(PYTHON), "-m", "pip", "--version"):
        say(f"making {VENV.name}")
        make_venv()
    say(f"installing cardkit{EXTRAS[purpose]} into {VENV.name}")
    if not run(str(PYTHON), "-m", "pip", "install", "-q", "-e", f"{ROOT}{EXTRAS[purpose]}"):
        raise SystemExit("set-up: the packages of pyproject.toml could not be installed, see above")
    install_pyscard()
    stamp.write_text(f"{digest} {has_pcsc_headers()} {ROOT}")


if __name__ == "__main__":
    main()
