"""Rules about who card and subscriber are, and which applications the card has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import APPLICATIONS
from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.check import Check, Trouble, unknown
from cardkit.apps.uicc.rules.countries import country_of_iccid, country_of_mcc, country_of_number
from cardkit.apps.uicc.rules.expectation import GSM, ISIM, USIM, Expectation
from cardkit.apps.uicc.rules.relations import access_class_trouble

ICCID, DIR, MSISDN = "MF/EF.ICCID", "MF/EF.DIR", f"{USIM}/EF.MSISDN"
IMSI, GSM_IMSI, GSM_ACC = f"{USIM}/EF.IMSI", f"{GSM}/EF.IMSI", f"{GSM}/EF.ACC"
AD, OTHER_AD = f"{USIM}/EF.AD", (f"{ISIM}/EF.AD", f"{GSM}/EF.AD", "ADF.HPSIM/EF.AD")


def _not_repeated(kind: str) -> Check:
    rule, where = {"iccid": ("UICC-003", ICCID), "imsi": ("UICC-125", IMSI)}[kind]

    def test(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
        if kind in (picture.repeated or ()):
            yield Trouble(where, f"the {kind.upper()} of another card")

    return Check(rule, test, fields=(("repeated", "the other cards of the batch"),))


def _imsi_reads(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for name in (IMSI, GSM_IMSI):
        if name in picture.bodies and not picture.value(name).get("imsi", "").isdigit():
            yield Trouble(name, "it is no IMSI", "length, identity type, parity, digits and fill")


def _copies(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    if IMSI in picture.bodies and picture.bodies[GSM_IMSI] != picture.bodies[IMSI]:
        yield Trouble(GSM_IMSI, f"{picture.value(GSM_IMSI)}", f"{picture.value(IMSI)}")


def _modes(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    length = picture.value(AD).get("mnc_length") if AD in picture.bodies else None
    for name in OTHER_AD:
        if name not in picture.bodies:
            continue
        value = picture.value(name)
        if value.get("mode") != "normal":
            yield Trouble(name, f"operation mode {value.get('mode')}", "normal")
        elif length is not None and value.get("mnc_length", length) not in (length, 0):
            yield Trouble(name, f"MNC length {value['mnc_length']}", f"{length}, as {AD} has it")


def _gsm_class(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    """The class of a card that has no USIM; beside one, EF.ACC of DF.GSM is a copy."""
    if picture.has(USIM) or IMSI in picture.bodies or GSM_IMSI not in picture.bodies:
        return
    imsi, classes = picture.value(GSM_IMSI).get("imsi", ""), picture.value(GSM_ACC).get("classes")
    trouble = access_class_trouble(imsi, classes, None)
    if trouble:
        yield Trouble(GSM_ACC, trouble)


# Applications


def _listed(picture: CardPicture) -> dict[int, bytes]:
    """Return the AIDs of EF.DIR by record."""
    values = {number: picture.value(f"{DIR}#{number}") for number in picture.records(DIR)}
    return {number: bytes.fromhex(aid) for number, value in values.items() if isinstance(aid := value.get("aid"), str)}


def _directory(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for number in picture.records(DIR):
        value = picture.value(f"{DIR}#{number}")
        if "empty" not in value and not isinstance(value.get("aid"), str):
            yield Trouble(f"{DIR}#{number}", "it names no application", "an AID")
    if picture.names is None:
        return
    for number, aid in _listed(picture).items():
        missing = [name for name, start in APPLICATIONS.items() if aid.startswith(start) and name not in picture.names]
        if missing:
            yield Trouble(f"{DIR}#{number}", f"{missing[0]} cannot be selected", aid.hex().upper())


def _hidden(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    listed = list(_listed(picture).values())
    for name, start in APPLICATIONS.items():
        control = picture.controls.get(name)
        if not isinstance(control, Fcp):
            continue
        aids = [aid for aid in listed if aid.startswith(start)]
        own = control.df_name or start
        if not aids:
            yield Trouble(name, "not in EF.DIR", own.hex().upper())
        elif not any(aid.startswith(own) or own.startswith(aid) for aid in aids):
            yield Trouble(name, f"EF.DIR names {aids[0].hex().upper()}", own.hex().upper())


# Numbers


def _printed(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    if not expected.printed:
        yield unknown(ICCID, "nobody gave the number in print")
        return
    iccid = picture.value(ICCID).get("iccid")
    if iccid != expected.printed:
        yield Trouble(ICCID, f"{iccid}", f"{expected.printed}, as in print")


def _other_numbers(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for number in picture.records(MSISDN):
        name = f"{MSISDN}#{number}"
        if number > 1 and name not in expected.files and not picture.is_blank(name):
            yield Trouble(name, "a further own number", "empty")


def _countries(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    imsi, number = _text(picture, IMSI, "imsi"), _text(picture, f"{MSISDN}#1", "number")
    found = {
        ICCID: country_of_iccid(_text(picture, ICCID, "iccid")),
        IMSI: country_of_mcc(imsi[:3]),
        f"{MSISDN}#1": country_of_number(number) if number.startswith("+") else None,
    }
    known = {name: code for name, code in found.items() if code}
    if len(set(known.values())) > 1:
        yield Trouble(ICCID, ", ".join(f"{name.rpartition('/')[2]} +{code}" for name, code in known.items()))
    elif len(known) < 2:
        yield unknown(ICCID, "fewer than two numbers tell their country")


def _text(picture: CardPicture, name: str, field: str) -> str:
    value: Mapping[str, Any] = picture.value(name) if name in picture.bodies else {}
    text = value.get(field, "")
    return text if isinstance(text, str) else ""


CHECKS = (
    _not_repeated("iccid"),
    _not_repeated("imsi"),
    Check("UICC-004", _imsi_reads, files=(IMSI, GSM_IMSI)),
    Check("UICC-005", _copies, files=(GSM_IMSI,)),
    Check("UICC-007", _modes, files=OTHER_AD),
    Check("UICC-008", _gsm_class, files=(GSM_ACC,)),
    Check("UICC-009", _directory, files=(DIR,)),
    Check("UICC-010", _hidden, files=(DIR,), fields=(("names", "which applications are there"),)),
    Check("UICC-012", _printed, files=(ICCID,)),
    Check("UICC-013", _other_numbers, files=(MSISDN,), profile=True),
    Check("UICC-014", _countries, files=(ICCID,)),
)
