"""Rules about who may read, change, create and delete what (TS 102 221 9.2, 13.4; TS 31.102 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from cardkit.apps.uicc.arr import Condition, parse_rules, words
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import CATALOGUE, DIRECTORIES
from cardkit.apps.uicc.files import Condition as Opens
from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.check import Check, Trouble, unknown
from cardkit.apps.uicc.rules.expectation import GSM, USIM, Expectation
from cardkit.desired import Secrecy
from cardkit.errors import EncodingError

FIVE_GS, ACCESS = f"{USIM}/DF.5GS", f"{USIM}/DF.GSM-ACCESS"
ALWAYS, NEVER = "always", "never"
PIN1, PIN2 = frozenset(("PIN1", "CHV1")), frozenset(("PIN2", "CHV2"))
FF = b"\xff"

# What a finder must not read (TS 31.102 4.2.2 to 4.2.4, 4.2.92, 4.4.11.4 to .6).
GUARDED = (
    *(f"{USIM}/EF.{name}" for name in ("IMSI", "Keys", "KeysPS", "EPSNSC")),
    *(f"{FIVE_GS}/EF.{name}" for name in ("5GS3GPPNSC", "5GSN3GPPNSC", "5GAUTHKEYS")),
    f"{ACCESS}/EF.Kc", f"{GSM}/EF.IMSI", f"{GSM}/EF.Kc",
)  # fmt: skip
# What is the issuer's. TS 102 221 13.2 lets nobody update EF.ICCID; chips that are personalized by UPDATE keep ADM.
ISSUERS = (
    "MF/EF.ICCID", "MF/EF.DIR", "MF/EF.ARR",
    *(f"{USIM}/EF.{name}" for name in ("ARR", "UST", "AD", "ACC", "IMSI", "SPN", "OPLMNwAcT", "HPLMNwAcT", "EHPLMN")),
    *(f"{GSM}/EF.{name}" for name in ("SST", "AD", "ACC", "IMSI", "SPN")),
)  # fmt: skip
# TS 31.102 4.2.24, 4.2.47, 4.2.48
RESTRICTIONS = tuple(f"{USIM}/EF.{name}" for name in ("FDN", "EST", "ACL"))
BREAKING = ("delete", "terminate", "activate", "deactivate", "rehabilitate", "invalidate")
BUILDING = ("create EF", "create DF", "delete child")
WORDS = ("access", "the access rules")


def open_to(condition: Condition, secrets: Collection[str]) -> bool:
    """Whether a condition is fulfilled for somebody who has presented these; what is not understood is not open.

    >>> open_to({"or": ["PIN1", "ADM1"]}, {"PIN1"}), open_to("always", ()), open_to("never", {"ADM1"})
    (True, True, False)
    """
    if isinstance(condition, str):
        return condition == ALWAYS or condition in secrets
    word, parts = next(iter(condition.items()))
    if word == "or":
        return any(open_to(part, secrets) for part in parts)
    return word == "and" and bool(parts) and all(open_to(part, secrets) for part in parts)


def _says(where: str, operation: str, condition: Condition, expected: str) -> Trouble:
    return Trouble(where, f"{operation}: {words(condition)}", f"{operation}: {expected}", secrecy=Secrecy.PUBLIC)


# Against the chip model


def _as_ordered(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.product is not None
    block = expected.product.chip.block
    for file, model in block.files.items():
        found = picture.access.get(file)
        if found is None:
            continue
        access = block.access[model.access]
        for operation, wanted in (("read", access.read), ("update", access.update)):
            given = found.get(operation, NEVER)
            if not _is_as(given, wanted):
                yield _says(file, operation, given, wanted)


def _is_as(given: Condition, wanted: str) -> bool:
    """Whether a condition is the chip model's: the secret it names is enough, and nothing is not."""
    if wanted in (ALWAYS, NEVER):
        return given == wanted
    return open_to(given, {wanted}) and not open_to(given, ())


# The access rules themselves


def _rules_read(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for name in picture.by_file:
        if not name.endswith("/EF.ARR"):
            continue
        for number, record in picture.records(name).items():
            try:
                parse_rules(record)
            except EncodingError as error:
                yield Trouble(f"{name}#{number}", str(error), secrecy=Secrecy.PUBLIC)
    for name, control in picture.controls.items():
        if isinstance(control, Fcp) and control.reference is not None:
            yield from _reference(picture, name, control)


def _reference(picture: CardPicture, name: str, control: Fcp) -> Iterator[Trouble]:
    assert control.reference is not None
    fid, number = control.reference.fid, control.reference.record
    file = picture.rule_file(name, fid, is_directory=control.is_directory)
    records = picture.records(file)
    if not file and picture.names is not None:
        yield unknown(name, f"its access rules, {fid:04X}, were not found", by_design=False)
    elif records and not records.get(number, b"").strip(FF):
        yield Trouble(name, f"refers to record {number} of {file}, which is empty", secrecy=Secrecy.PUBLIC)


# Whoever the card is for


def _among(
    rule: str, files: tuple[str, ...], operation: str, wrong: Callable[[Condition], bool], expected: str
) -> Check:
    """Return a check of one operation on some files."""

    def test(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
        known = {name: picture.access[name] for name in files if name in picture.access}
        for name, found in known.items():
            if wrong(found.get(operation, NEVER)):
                yield _says(name, operation, found.get(operation, NEVER), expected)
        if not known:
            yield unknown(files[0], "nobody saw the access rules of these files")

    return Check(rule, test, fields=(WORDS,))


def _open_to_all(condition: Condition) -> bool:
    return open_to(condition, ())


def _open_to_holder(condition: Condition) -> bool:
    return open_to(condition, PIN1 | PIN2)


def _keys(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    named = {slot.file for slot in expected.product.chip.keys.values()} if expected.product is not None else set()
    for name, found in picture.access.items():
        spec = CATALOGUE.get(name)
        if name not in named and (spec is None or spec.read is not Opens.NEVER or spec.secrecy is not Secrecy.SECRET):
            continue
        read, update = found.get("read", NEVER), found.get("update", NEVER)
        if read != NEVER:
            yield _says(name, "read", read, NEVER)
        elif _open_to_holder(update):
            yield _says(name, "update", update, "ADM or never")


def _not_for_all(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for name, found in picture.access.items():
        operations = BREAKING if name in DIRECTORIES else ("update", *BREAKING)
        given = next((operation for operation in operations if _open_to_all(found.get(operation, NEVER))), None)
        if given is not None:
            yield _says(name, given, ALWAYS, "a secret")


def _builders(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for name, found in picture.access.items():
        given = [operation for operation in BUILDING if _open_to_holder(found.get(operation, NEVER))]
        if name in DIRECTORIES and given:
            yield _says(name, given[0], found[given[0]], "ADM or never")


# What the card did


def _refused(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """A file was read although nothing that opens it had been presented; a disabled PIN opens as if it had been."""
    presented = PIN1 if picture.pin1_asked() is False else frozenset[str]()
    for name in sorted(picture.unasked or ()):
        read = (picture.access.get(name) or _ordered(name, expected)).get("read")
        if read is not None and not _may_open(read, presented):
            yield Trouble(name, "it was read", f"refused: {words(read)}", secrecy=Secrecy.PUBLIC)


def _ordered(name: str, expected: Expectation) -> Mapping[str, Condition]:
    """Return what the chip model says of a file, nothing where nobody knows it."""
    if expected.product is None:
        return {}
    block = expected.product.chip.block
    model = block.files.get(name.partition("#")[0])
    return {} if model is None else {"read": block.access[model.access].read}


def _may_open(condition: Condition, presented: Collection[str]) -> bool:
    """Whether somebody with these may read; a condition that is not understood may be open."""
    if isinstance(condition, str):
        known = condition in (ALWAYS, NEVER) or condition.startswith(("PIN", "ADM", "CHV"))
        return not known or open_to(condition, presented)
    word, parts = next(iter(condition.items()))
    if word == "or":
        return any(_may_open(part, presented) for part in parts)
    return word != "and" or all(_may_open(part, presented) for part in parts)


def _after_pin1(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    assert picture.rewritten is not None
    before, after = picture.rewritten
    if before == 0x9000 or after != 0x9000:
        yield Trouble("PIN1", f"{before:04X} before, {after:04X} after", "6982 before, 9000 after")


CHECKS = (
    Check("UICC-050", _as_ordered, fields=(WORDS,), profile=True),
    Check("UICC-051", _rules_read, fields=(WORDS,)),
    _among("UICC-052", GUARDED, "read", _open_to_all, "a secret"),
    _among("UICC-053", ISSUERS, "update", _open_to_holder, "ADM or never"),
    Check("UICC-054", _keys, fields=(WORDS,)),
    Check("UICC-055", _not_for_all, fields=(WORDS,)),
    Check("UICC-056", _builders, fields=(WORDS,)),
    Check("UICC-057", _refused, fields=(("unasked", "what a stranger can read"),)),
    Check("UICC-058", _after_pin1, fields=(("rewritten", "an update before and after PIN1"),)),
    _among("UICC-059", RESTRICTIONS, "update", lambda condition: open_to(condition, PIN1), "PIN2 or ADM"),
)
