"""What a rule is made of: a function over the picture of a card, and what it needs to see.

:class:`Relation` is the simple kind, over the contents of some files; :class:`Check` may look at everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.expectation import Expectation, Ground
from cardkit.desired import NOT_CHECKED, Secrecy

Values = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a check has to say.

    :param expected: "" for the text of the rule.  :param actual: begins with "not checked" where it could not tell.
    :param secrecy: of what it quotes; None for that of the file it is about.
    :param by_design: "not checked" because nobody tried or could know, which does not make a card doubtful.
    :param mild: a warning and no more, as the profile has asked for it.
    """

    where: str
    actual: str
    expected: str = ""
    decoded: str = ""
    secrecy: Secrecy | None = None
    by_design: bool = False
    mild: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """One rule over the decoded contents of some files; ``needs[0]`` is what a finding is about.

    :param test: returns None, or the trouble in words.
    :param listing: whether it must know which files are there, and which of them are in use.
    """

    rule: str
    needs: tuple[str, ...]
    test: Callable[[Values, Ground], str | None]
    listing: bool = False


Test = Callable[[CardPicture, Expectation], Iterable[Trouble]]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule over the whole picture.

    :param files: files, or records, at least one of which must be there and read for the rule to say anything.
    :param fields: of the picture, none of which may be None or empty, each with what it is in words.
    :param profile: whether there is nothing to say without a product.
    """

    rule: str
    test: Test
    files: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    profile: bool = False


def unknown(where: str, why: str, *, expected: str = "", by_design: bool = True) -> Trouble:
    """Return that something could not be checked, and why."""
    return Trouble(where, f"{NOT_CHECKED}: {why}", expected, by_design=by_design)


def hindrance(picture: CardPicture, name: str) -> Trouble | None:
    """Say why a file or record was not read; None where it was, or where the card has none."""
    file = name.partition("#")[0]
    if _was_read(picture, name) or is_absent(picture, name):
        return None
    why = picture.refused.get(name) or picture.refused.get(file)
    return unknown(name, "nobody read it") if why is None else unknown(name, why, by_design=False)


def is_absent(picture: CardPicture, name: str) -> bool:
    """Whether the card has no such file or record, or has put it out of use."""
    file = name.partition("#")[0]
    if picture.is_deactivated(file):
        return True
    if _was_read(picture, name) or name in picture.refused or file in picture.refused:
        return False
    there = picture.names if picture.names is not None else picture.declared
    return (there is not None and file not in there) or ("#" in name and file in picture.by_file)


def _was_read(picture: CardPicture, name: str) -> bool:
    return name in picture.bodies or ("#" not in name and name in picture.by_file)


def read_files(picture: CardPicture, files: Iterable[str]) -> Iterator[tuple[str, Mapping[int, bytes]]]:
    """Yield those of some files that were read, with their records."""
    yield from ((name, picture.records(name)) for name in files if picture.records(name))
