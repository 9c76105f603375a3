"""What gpg's status lines prove of an order file: the exit code is not the verdict. security.md 10"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cardkit.errors import RecordError

PREFIX = "[GNUPG:] "
SIGNATURE_CLASSES = frozenset({"00", "01"})
DIGESTS = frozenset({"8", "9", "10"})  # SHA-256, SHA-384, SHA-512 (RFC 4880 9.4)
CLOCKS_APART = timedelta(minutes=5)
BROKEN = frozenset({"BADSIG", "BADMDC", "DECRYPTION_FAILED", "NODATA", "ERROR", "FAILURE", "UNEXPECTED"})
OUTDATED = frozenset({"EXPKEYSIG", "EXPSIG"})
# Places in VALIDSIG, after the keyword.
_TIME, _DIGEST, _CLASS, _PRIMARY = 2, 7, 8, 9


@dataclass(frozen=True, slots=True)
class Pinned:
    """Whose signature an order must bear.

    :param fingerprint: of the primary key, 40 capital hex digits.  :param max_age: of a signature.
    """

    fingerprint: str
    max_age: timedelta = timedelta(days=30)


class Status:
    """What gpg said: keywords with their words, in order.

    :param lines: of the status descriptor.  :param code: gpg's exit code.
    """

    def __init__(self, lines: Iterable[str], code: int) -> None:
        self.code = code
        self.strange = False
        self._said: list[tuple[str, list[str]]] = []
        for line in lines:
            words = line.removeprefix(PREFIX).split(" ")
            self.strange |= not line.startswith(PREFIX)
            self._said.append((words[0], words[1:]))

    def count(self, keyword: str) -> int:
        """Return how often a keyword came."""
        return sum(said == keyword for said, _ in self._said)

    def any(self, keywords: frozenset[str]) -> bool:
        """Whether one of some keywords came."""
        return any(said in keywords for said, _ in self._said)

    def words(self, keyword: str) -> list[str]:
        """Return what followed a keyword's first coming; nothing where it never came."""
        return next((words for said, words in self._said if said == keyword), [])

    @property
    def signature(self) -> list[str]:
        """The words of VALIDSIG, nothing where there is none of full length."""
        words = self.words("VALIDSIG")
        return words if len(words) > _PRIMARY else []

    @property
    def whole(self) -> bool:
        """Whether one message was decrypted and found unchanged, with one signature made as it should be."""
        once = ("BEGIN_DECRYPTION", "PLAINTEXT", "DECRYPTION_OKAY", "GOODSIG", "VALIDSIG")
        protected = self.count("GOODMDC") == 1 or self.words("DECRYPTION_INFO")[2:3] not in ([], ["0"])
        order = [said for said, _ in self._said if said in ("NEWSIG", "GOODSIG", "VALIDSIG")]
        return (
            self.code == 0
            and not self.strange
            and protected
            and order == ["NEWSIG", "GOODSIG", "VALIDSIG"]
            and all(self.count(keyword) == 1 for keyword in once)
        )

    @property
    def strong(self) -> bool:
        """Whether the signature is one over a document, with a digest that nobody forges."""
        return self.signature[_CLASS] in SIGNATURE_CLASSES and self.signature[_DIGEST] in DIGESTS

    def age(self, now: datetime) -> timedelta | None:
        """Return how long ago the signature was made, None where that cannot be read."""
        text = self.signature[_TIME]
        return now - datetime.fromtimestamp(int(text), UTC) if text.isascii() and text.isdecimal() else None


_Check = Callable[[Status, Pinned], bool]
# The first that holds decides: a code, what it means, and when. A file that is no OpenPGP gives NODATA alone.
_REFUSALS: tuple[tuple[str, str, _Check], ...] = (
    ("NOT_ENCRYPTED", "is no OpenPGP message",
     lambda status, _: status.count("NODATA") > 0 and not status.any(BROKEN - {"NODATA", "FAILURE"})
     and not status.count("BEGIN_DECRYPTION")),
    ("INTEGRITY", "cannot be decrypted, is damaged or was changed", lambda status, _: status.any(BROKEN)),
    ("SIGNER_COUNT", "bears more than one signature", lambda status, _: status.count("NEWSIG") > 1),
    ("SIZE", "holds more than an order may have",
     lambda status, _: status.code != 0 and not status.count("NEWSIG") and status.count("DECRYPTION_OKAY") > 0),
    ("NOT_ENCRYPTED", "is not encrypted",
     lambda status, _: not status.count("NEWSIG") and not status.count("BEGIN_DECRYPTION")),
    ("UNSIGNED", "is not signed", lambda status, _: not status.count("NEWSIG")),
    ("SIGNER", "is signed by another key than this customer's",
     lambda status, pinned: status.signature[_PRIMARY:] != [pinned.fingerprint]),
    ("KEY_EXPIRED", "is signed by a key that has expired", lambda status, _: status.any(OUTDATED)),
    ("KEY_REVOKED", "is signed by a key that was revoked", lambda status, _: status.count("REVKEYSIG") > 0),
    ("NOT_ENCRYPTED", "is not encrypted", lambda status, _: not status.count("BEGIN_DECRYPTION")),
    ("INTEGRITY", "is not one message with one good signature", lambda status, _: not status.whole),
    ("SIGNER", "is signed with a weak digest, or not as a document", lambda status, _: not status.strong),
)  # fmt: skip


def judge(status: Status, pinned: Pinned, now: datetime) -> None:
    """Accept an order file that one pinned key has signed and that was encrypted, unchanged.

    :param now: aware.
    :raises RecordError: UNSIGNED, SIGNER, SIGNER_COUNT, KEY_EXPIRED, KEY_REVOKED, NOT_ENCRYPTED, INTEGRITY, SIZE;
        SIGNATURE, where it was made too long ago, or in the future.
    """
    for code, why, holds in _REFUSALS:
        if holds(status, pinned):
            raise RecordError(f"the file {why}", code=code)
    age = status.age(now)
    if age is None or not -CLOCKS_APART <= age <= pinned.max_age:
        made = "at no time" if age is None else f"{age.total_seconds() / 86_400:.1f} days ago"
        raise RecordError(f"the file was signed {made}, expected 0 to {pinned.max_age.days} days ago", code="SIGNATURE")
