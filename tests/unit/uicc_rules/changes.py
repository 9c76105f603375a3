"""One change for each rule: what makes a good card break it, and it alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from cardkit.apps.uicc.arr import build_rules, rule_of
from cardkit.apps.uicc.cat import ProactiveCommand
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.gsm import GsmStatus
from cardkit.apps.uicc.picture import CardPicture, SeenPacket
from cardkit.apps.uicc.pin import CodeState, CodeStatus
from cardkit.apps.uicc.rules.expectation import Expectation
from cardkit.crypto import Secret

Pair = tuple[CardPicture, Expectation]
Change = Callable[[CardPicture, Expectation], Pair]

USIM, ISIM, GSM, TELECOM = "ADF.USIM", "ADF.ISIM", "DF.GSM", "DF.TELECOM"
FIVE_GS = f"{USIM}/DF.5GS"
OTHER = "8949010000000000024"
RULES_RECORD = 90


def together(*changes: Change) -> Change:
    def change(picture: CardPicture, expected: Expectation) -> Pair:
        for each in changes:
            picture, expected = each(picture, expected)
        return picture, expected

    return change


def becomes(**fields: Any) -> Change:
    return lambda picture, expected: (replace(picture, **fields), expected)


def entry(field: str, **items: Any) -> Change:
    """Change entries of a table of the picture; names are given with ``_`` for what is no letter."""
    return lambda picture, expected: (replace(picture, **{field: {**getattr(picture, field), **items}}), expected)


def among(field: str, name: str, value: Any) -> Change:
    return entry(field, **{name: value})


def holds(*names: str, raw: str = "", **value: Any) -> Change:
    """Another content of some files, all of the same value."""

    def change(picture: CardPicture, expected: Expectation) -> Pair:
        bodies = {name: body_of(picture, name, raw, value) for name in names}
        return replace(picture, bodies={**picture.bodies, **bodies}), expected

    return change


def ordered(*names: str, raw: str = "", **value: Any) -> Change:
    """The same, and the profile asks for it."""

    def change(picture: CardPicture, expected: Expectation) -> Pair:
        bodies = {name: body_of(picture, name, raw, value) for name in names}
        contents = {**expected.contents, **bodies}
        return replace(picture, bodies={**picture.bodies, **bodies}), replace(expected, contents=contents)

    return change


def body_of(picture: CardPicture, name: str, raw: str, value: dict[str, Any]) -> bytes:
    size = len(picture.bodies[name]) if name in picture.bodies else len(bytes.fromhex(raw))
    return bytes.fromhex(raw) if raw else CATALOGUE[name.partition("#")[0]].encode(value, size)


def services(*more: int, without: tuple[int, ...] = (), file: str = f"{USIM}/EF.UST") -> Change:
    """The product offers other services."""

    def change(picture: CardPicture, expected: Expectation) -> Pair:
        numbers = sorted(({*picture.value(file)["services"], *more}) - set(without))
        return ordered(file, services=numbers)(picture, expected)

    return change


def answer(name: str, old: str, new: str) -> Change:
    """Change one piece of the answer of SELECT, given in hexadecimal digits; the length follows."""

    def change(picture: CardPicture, expected: Expectation) -> Pair:
        text = picture.controls[name].build()[2:].hex().upper()
        assert text.count(old) == 1, f"{old} in {text}"
        body = bytes.fromhex(text.replace(old, new))
        return among("controls", name, Fcp.parse(bytes((0x62, len(body))) + body))(picture, expected)

    return change


def ruled(name: str, **conditions: Any) -> Change:
    """Give a file or directory a record of EF.ARR of its own: access mode bytes (m80 ...) and conditions."""

    def change(picture: CardPicture, expected: Expectation) -> Pair:
        control = picture.controls[name]
        fid = control.reference.fid
        file = picture.rule_file(name, fid, is_directory=control.is_directory)
        rules = [rule_of({"mode": mode[1:], "conditions": [given]}) for mode, given in conditions.items()]
        size = len(picture.records(file)[1])
        old = control.build().hex().upper()
        at = old.index(f"8B03{fid:04X}")
        changed = Fcp.parse(bytes.fromhex(f"{old[: at + 8]}{RULES_RECORD:02X}{old[at + 10 :]}"))
        bodies = {**picture.bodies, f"{file}#{RULES_RECORD}": build_rules(rules).ljust(size, b"\xff")}
        return replace(picture, bodies=bodies, controls={**picture.controls, name: changed}), expected

    return change


def modelled(name: str, access: str) -> Change:
    """The chip model says so, too: the access table has an entry of this name."""

    def change(picture: CardPicture, expected: Expectation) -> Pair:
        product = expected.product
        files = dict(product.chip.block.files)
        files[name] = msgspec.structs.replace(files[name], access=access)
        chip = replace(product.chip, block=msgspec.structs.replace(product.chip.block, files=files))
        return picture, replace(expected, product=replace(product, chip=chip))

    return change


def authentication(**fields: Any) -> Change:
    """The profile's [uicc.auth] says something else."""
    return block(lambda old: {"auth": msgspec.structs.replace(old.auth, **fields)})


def block(change_of: Callable[[Any], dict[str, Any]]) -> Change:
    def change(picture: CardPicture, expected: Expectation) -> Pair:
        old = expected.product.block
        product = replace(expected.product, block=msgspec.structs.replace(old, **change_of(old)))
        return picture, replace(expected, product=product)

    return change


def content(name: str, *parts: Any) -> Change:
    """The record has another secret."""
    return lambda picture, expected: (picture, replace(expected, contents={**expected.contents, name: parts}))


def published_key(picture: CardPicture, expected: Expectation) -> Pair:
    """K of the record is one of TS 35.208; what the files hold besides stays."""
    head, _k, *rest = expected.contents[f"{USIM}/EF.USIM_AUTH_KEY"]
    key = Secret(bytes.fromhex("465B5CE8B199B49FAA5F0A2EE238A6BC"), "ki")
    return content(f"{USIM}/EF.USIM_AUTH_KEY", head, key, *rest)(picture, expected)


def without(name: str) -> Change:
    """The card has no such file."""

    def change(picture: CardPicture, expected: Expectation) -> Pair:
        def kept(table: Any) -> dict[str, Any]:
            return {key: item for key, item in table.items() if key.partition("#")[0] != name}

        seen = replace(
            picture, names=picture.names - {name}, controls=kept(picture.controls), bodies=kept(picture.bodies)
        )
        return seen, expected

    return change


def and_a_file(name: str) -> Change:
    return lambda picture, expected: (replace(picture, names=picture.names | {name}), expected)


def stranger(*changes: Change) -> Change:
    """The same card, but nobody has a profile for it."""
    return lambda picture, expected: together(*changes)(picture, Expectation(printed=expected.printed))


def packet(kind: str, status: int) -> Change:
    def change(picture: CardPicture, expected: Expectation) -> Pair:
        packets = [SeenPacket(p.kind, p.tar, status if p.kind == kind else p.status) for p in picture.packets]
        return replace(picture, packets=tuple(packets)), expected

    return change


def identity_twice(picture: CardPicture, expected: Expectation) -> Pair:
    return replace(picture, identities=picture.identities[:1] * 2), expected


def proactive(text: str) -> Change:
    return becomes(asked=(ProactiveCommand.parse(bytes.fromhex(text)),))


def conceals(schemes: str, keys: str = "", **more: Any) -> Change:
    """The phone conceals: service 125 is off, EF.SUCI_Calc_Info as given, both as a stranger sees them."""
    listed, held = bytes.fromhex(schemes), bytes.fromhex(keys)
    info = b"\xa0" + bytes((len(listed),)) + listed + (b"\xa1" + bytes((len(held),)) + held if held else b"")
    suci = f"{FIVE_GS}/EF.SUCI_Calc_Info"

    def change(picture: CardPicture, expected: Expectation) -> Pair:
        seen, _ = services(without=(125,))(picture, expected)
        seen, _ = answer(suci, "8A0104", "8A0105")(seen, expected)
        raw = (info if schemes else b"").ljust(128, b"\xff").hex()
        return stranger(holds(suci, raw=raw), *more.values())(seen, expected)

    return change


KEY_A, KEY_B = "09".ljust(64, "0"), "036B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
TEST_A = "5A8D38864820197C3394B92613B20B91633CBD897119273BF8E4A6F4EEC0A650"
ONE_KEY = f"80011B8120{KEY_A}"
GSM_COPIES = (f"{GSM}/EF.AD", f"{ISIM}/EF.AD", f"{USIM}/EF.AD")
HOLDER = {"or": ["PIN1", "ADM1"]}
TWO_TRIES = CodeStatus(CodeState.ASKED, 2)

CHANGES: dict[str, Change] = {
    "UICC-001": together(
        holds("MF/EF.ICCID", iccid=OTHER), lambda picture, expected: (picture, replace(expected, printed=OTHER))
    ),
    "UICC-002": together(
        ordered("MF/EF.ICCID", iccid="8949010000000000017"),
        lambda picture, expected: (picture, replace(expected, printed="8949010000000000017")),
    ),
    "UICC-003": becomes(repeated=frozenset(("iccid",))),
    "UICC-004": holds(f"{USIM}/EF.IMSI", f"{GSM}/EF.IMSI", imsi="262010000000011"),
    "UICC-005": holds(f"{GSM}/EF.IMSI", imsi="262010000000011"),
    "UICC-006": ordered(*GSM_COPIES, mode="normal", info=["ciphering_indicator"], mnc_length=3),
    "UICC-007": ordered(*GSM_COPIES, mode="type approval", info=["ciphering_indicator"], mnc_length=2),
    "UICC-008": ordered(f"{USIM}/EF.ACC", f"{GSM}/EF.ACC", raw="FFFF"),
    "UICC-009": holds("MF/EF.DIR#3", aid="A000000087100AFFFFFFFF8907090000", label="HPSIM"),
    "UICC-010": answer(ISIM, "A0000000871004FFFFFFFF8907090000", "A0000000871004FFFFFFFF8907090001"),
    "UICC-011": becomes(atr_fits=False),
    "UICC-012": lambda picture, expected: (picture, replace(expected, printed=OTHER)),
    "UICC-013": holds(f"{USIM}/EF.MSISDN#2", number="+4915790000002"),
    "UICC-014": ordered(f"{USIM}/EF.MSISDN#1", f"{TELECOM}/EF.MSISDN#1", number="+998901234567"),
    "UICC-020": without("MF/EF.UMPC"),
    "UICC-021": and_a_file(f"{GSM}/EF.VGCS"),
    "UICC-022": answer(f"{USIM}/EF.LOCI", "880158", "880160"),
    "UICC-023": answer(f"{USIM}/EF.LOCI", "8A0105", "8A0101"),
    "UICC-024": holds(f"{FIVE_GS}/EF.5GSEDRX", raw="0000"),
    "UICC-025": holds(f"{USIM}/EF.FPLMN", raw="FF" * 57),
    "UICC-026": block(lambda _old: {"free_bytes": 3000}),
    "UICC-027": holds(f"{TELECOM}/EF.SMSP#1", sc="+4915790000009", pid=0, dcs=0, validity_minutes=1440),
    "UICC-028": answer(f"{USIM}/EF.GID1", "8800", "8800A5069B047F206F46"),
    "UICC-029": holds(f"{USIM}/EF.NASCONFIG", raw="80300000".ljust(80, "F")),
    "UICC-030": holds(f"{USIM}/EF.ePDGId", epdg="epdg.example.org"),
    "UICC-031": holds(f"{USIM}/EF.LOCI", raw="12345678FFFFFF0000FF01"),
    "UICC-032": among("blanks", f"{USIM}/EF.Keys", value=False),
    "UICC-033": among("blanks", f"{USIM}/EF.EPSNSC#1", value=False),
    "UICC-034": holds(f"{USIM}/EF.START-HFN", start_cs="000010", start_ps="F00000"),
    "UICC-035": holds(f"{USIM}/EF.NETPAR", raw="A00480021234".ljust(92, "F")),
    "UICC-040": services(52),
    "UICC-041": services(without=(15,)),
    "UICC-042": services(without=(33,)),
    "UICC-043": holds(f"{USIM}/EF.UST", services=[33]),
    "UICC-044": holds(f"{USIM}/EF.EST", enabled=["FDN"]),
    "UICC-045": services(20, file=f"{ISIM}/EF.IST"),
    "UICC-046": becomes(returned_kc=False),
    "UICC-050": ruled(f"{USIM}/EF.LI", m01="PIN1", m02="ADM1"),
    "UICC-051": answer(f"{USIM}/EF.LI", "8B036F0608", "8B036F0614"),
    "UICC-052": together(ruled(f"{USIM}/EF.IMSI", m01="always", m02="ADM1"), modelled(f"{USIM}/EF.IMSI", "open")),
    "UICC-053": ruled(f"{USIM}/EF.UST", m01="PIN1", m02=HOLDER),
    "UICC-054": ruled(f"{USIM}/EF.USIM_AUTH_KEY", m01="never", m02=HOLDER),
    "UICC-055": ruled(f"{USIM}/EF.FPLMN", m01="PIN1", m02="ADM1", m08="always"),
    "UICC-056": ruled(TELECOM, m02="PIN1"),
    "UICC-057": becomes(unasked=frozenset((f"{USIM}/EF.IMSI",))),
    "UICC-058": becomes(rewritten=(0x9000, 0x9000)),
    "UICC-059": ruled(f"{USIM}/EF.FDN", m01="PIN1", m02=HOLDER),
    "UICC-060": answer(ISIM, "9001C0", "900140"),
    "UICC-061": among("codes", "0A", TWO_TRIES),
    "UICC-062": among("presented", "DF.SYSTEM/EF.PIN1", "refused, 2 tries left"),
    "UICC-063": together(
        authentication(accept=()), content("PIN1@unblock", Secret(b"87654321", "puk1"), Secret(b"2437", "pin1"))
    ),
    "UICC-064": among("presented", "ADM1", "refused, 2 tries left"),
    "UICC-065": answer("MF", "C6099001C083010183010A", "C60C9001E083010183010A83010B"),
    "UICC-066": answer("MF", "C6099001C083010183010A", "C60F9001E083010183010A950108830111"),
    "UICC-067": becomes(chv=GsmStatus(bytes.fromhex("000000007F2002000000000A130000040082 8A838A00"))),
    "UICC-070": holds(f"{USIM}/EF.SPN", f"{GSM}/EF.SPN", name="Another", show_plmn_in_hplmn=True),
    "UICC-071": holds(f"{USIM}/EF.OPL#2", plmn="262-02", lac_low="0000", lac_high="FFFE", pnn=3),
    "UICC-072": ordered(f"{USIM}/EF.OPL#1", plmn="262-02", lac_low="0000", lac_high="FFFE", pnn=1),
    "UICC-073": ordered(f"{USIM}/EF.EHPLMN", entries=["262-02"]),
    "UICC-074": ordered(f"{USIM}/EF.PLMNwAcT", entries=[{"plmn": "262-01", "act": ["all bits"]}]),
    "UICC-075": holds(f"{USIM}/EF.FPLMN", entries=["262-02", "262-01"]),
    "UICC-076": ordered(f"{USIM}/EF.HPPLMN", interval=0x51),
    "UICC-077": ordered(
        f"{USIM}/EF.SMSP#1",
        f"{TELECOM}/EF.SMSP#1",
        present=["sc", "pid", "dcs", "validity_minutes"],
        sc="",
        pid=0,
        dcs=0,
        validity_minutes=1440,
    ),
    "UICC-078": holds(f"{USIM}/EF.SMS#1", status="received, read", message="07919471"),
    "UICC-079": holds(f"{USIM}/EF.SMSS", last_reference=255, memory_available=False),
    "UICC-080": holds(f"{USIM}/EF.ECC#2", number="911", services=["police", "b8"]),
    "UICC-081": holds(f"{USIM}/EF.MWIS#1", waiting=["voicemail"], voicemail=1, fax=0, email=0, other=0),
    "UICC-082": ordered(f"{USIM}/EF.LI", entries=["xx"]),
    "UICC-083": holds(f"{USIM}/EF.GID1", gid="01"),
    "UICC-084": holds(f"{TELECOM}/DF.PHONEBOOK/EF.PSC", counter=7),
    "UICC-085": holds(f"{USIM}/EF.MBDN#2", raw="800007".ljust(68, "F")),
    "UICC-090": among("proofs", f"{USIM} stale 1", "AUTS is not of this record's K and OPc"),
    "UICC-091": among("proofs", f"{USIM} fresh 3", "a fresh AUTN was refused"),
    "UICC-092": among("proofs", f"{USIM} flipped 2", "a wrong MAC was not refused"),
    "UICC-093": among("sequence", USIM, (32, 1 << 30)),
    "UICC-094": among("proofs", f"{USIM} leaping 1", "an SQN that leaps beyond delta was accepted"),
    "UICC-095": among("proofs", f"{ISIM} stale 1", "AUTS is not of this record's K and OPc"),
    "UICC-096": among("proofs", f"{GSM} gsm 1", "SRES and Kc are not those of this record's key"),
    "UICC-097": authentication(gsm_algorithm="comp128v1"),
    "UICC-098": together(authentication(accept=()), published_key),
    "UICC-099": among("proofs", f"{USIM} locked 1", "not refused before PIN1: status 9000, 16 bytes"),
    "UICC-100": conceals("0102", ONE_KEY),
    "UICC-101": conceals("0101", "80011B8120" + "00" * 32),
    "UICC-102": conceals("00000101", ONE_KEY),
    "UICC-103": conceals(""),
    "UICC-104": identity_twice,
    "UICC-105": conceals("0101", f"80011B8120{TEST_A}"),
    "UICC-106": holds(f"{FIVE_GS}/EF.UAC_AIC", enabled=["mission_critical"]),
    "UICC-110": holds(f"{ISIM}/EF.IMPI", impi="somebody@ims.mnc001.mcc262.3gppnetwork.org"),
    "UICC-111": stranger(holds(f"{ISIM}/EF.IMPU#1", raw="FF" * 128)),
    "UICC-115": packet("good", 0x01),
    "UICC-116": packet("unsecured", 0x00),
    "UICC-117": packet("foreign application", 0x00),
    "UICC-118": becomes(domain={"keys": [{"kvn": "FF", "kid": "01"}], "card_locked": False}),
    "UICC-119": proactive("D009810301130082028183"),
    "UICC-120": holds("MF/EF.UMPC", max_current_ma=0, t_op_s=1, info=[]),
    "UICC-125": becomes(repeated=frozenset(("imsi",))),
    "UICC-126": holds("MF/EF.CHIP", raw=b"35008919".hex()),
}
