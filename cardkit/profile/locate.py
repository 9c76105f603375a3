"""Where profiles, chips and layouts lie: in a checkout's ``profiles/``, or in the installed package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cardkit.errors import ProfileError
from cardkit.profile.document import suggest

PROFILE_FILE = "profile.toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PACKAGE = Path(__file__).resolve().parent.parent


def roots() -> tuple[Path, ...]:
    """Return the folders that hold ``family/product`` folders: the checkout's, or the installed package's own."""
    return tuple(root for root in (_PACKAGE.parent / "profiles", _PACKAGE / "_profiles") if (root / "chips").is_dir())


def profile_file(path: Path | str) -> Path:
    """Return the profile.toml of a profile.

    :param path: the file, its folder, or a name below a profiles folder such as ``sim/usim-test``.
    :raises ProfileError: where there is none.
    """
    given = Path(path)
    named = Path(*given.parts[1:]) if given.parts[:1] == ("profiles",) else given
    places = [given] if given.is_absolute() else [given, *(root / named for root in roots())]
    for place in places:
        for file in (place, place / PROFILE_FILE):
            if _is_file(file):
                return file
    known = sorted(
        file.parent.relative_to(root).as_posix() for root in roots() for file in root.glob(f"*/*/{PROFILE_FILE}")
    )
    raise ProfileError(f"{given}: no profile there{suggest(given.as_posix(), known)}")


def part_file(kind: str, name: str, profile: Path) -> Path:
    """Return the file of a chip or layout that a profile names.

    :param kind: ``chips`` or ``layouts``.
    :param profile: the profile's file; its own folder and those above come first.
    :raises ProfileError: where there is none, or the name is no plain name.
    """
    if not _NAME.fullmatch(name):
        raise ProfileError(f'{profile}: {kind}: "{name[:80]}" is no name: letters, digits, - and _ only')
    folders = list(_folders(kind, profile))
    for folder in folders:
        if _is_file(folder / f"{name}.toml"):
            return folder / f"{name}.toml"
    known = sorted({file.stem for folder in folders for file in folder.glob("*.toml")})
    raise ProfileError(f'{profile}: {kind}: there is no "{name}"{suggest(name, known)}')


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long for this file system, a folder closed to us
        return False


def _folders(kind: str, profile: Path) -> Iterator[Path]:
    own = profile.resolve().parent
    for folder in (own, *list(own.parents)[:2], *roots()):
        yield folder / kind
