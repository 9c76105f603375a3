"""A good card as a survey sees it, and what its profile says: SCP03, one domain that checks DAPs, two applications."""

from __future__ import annotations

from datetime import date

import pytest

from cardkit.apps.gp.picture import (
    CardPicture,
    History,
    Journal,
    Refusals,
    SeenChain,
    SeenChannels,
    SeenDomain,
    SeenGreeting,
    SeenLoad,
    SeenSession,
)
from cardkit.apps.gp.rules.expectation import (
    Expectation,
    ExpectedApplication,
    ExpectedCPLC,
    ExpectedKey,
    ExpectedLoadFile,
    ExpectedSet,
)
from cardkit.apps.gp.tags import (
    CPLC,
    FCI,
    CardCapabilities,
    CardRecognitionData,
    KeyInformation,
    Memory,
    StatusKind,
    parse_status,
)

ISD, SSD, VERIFIER = (bytes.fromhex(aid) for aid in ("A000000151000000", "F053534401", "F053534402"))
APPLET, SECOND = bytes.fromhex("F04341524401"), bytes.fromhex("F04341524402")
PACKAGE, MODULE = bytes.fromhex("F043415244"), bytes.fromhex("F0434152444D")
DOMAIN_PACKAGE, DOMAIN_MODULE = bytes.fromhex("A0000001515350"), bytes.fromhex("A000000151535041")

MANAGEMENT = (
    "734B 06072A864886FC6B01 600B06092A864886FC6B020203 630906072A864886FC6B03 640B06092A864886FC6B040370"
    "650D060B2A864886FC6B0507020000 660C060A2B060104012A026E0103"
)
KCVS = tuple(bytes.fromhex(text) for text in ("010101", "020202", "030303"))
LFDBH, CAP = bytes(32), bytes([1]) * 32


def keys(*entries: str) -> tuple:
    """Keys as ``KID KVN type length`` in hexadecimal digits."""
    return tuple(KeyInformation.parse(b"".join(bytes.fromhex(f"C004{entry}") for entry in entries)))


def status(kind: StatusKind, *objects: str) -> tuple:
    """Entries of the registry, each its objects in hexadecimal digits."""
    bodies = [bytes.fromhex(text) for text in objects]
    return parse_status(b"".join(bytes((0xE3, len(body))) + body for body in bodies), kind)


def application(aid: bytes, state: int, privileges: str, package: bytes, domain: bytes, rest: str = "") -> str:
    pairs = ((0x4F, aid), (0xC4, package), (0xCC, domain))
    named = "".join(f"{tag:02X}{len(value):02X}{value.hex()}" for tag, value in pairs)
    return f"{named}9F7001{state:02X}C503{privileges}{rest}"


APPLICATIONS = {
    SSD: application(SSD, 0x0F, "808000", DOMAIN_PACKAGE, ISD),
    VERIFIER: application(VERIFIER, 0x0F, "C08000", DOMAIN_PACKAGE, ISD),
    APPLET: application(APPLET, 0x07, "000000", PACKAGE, SSD, "CF0140"),
    SECOND: application(SECOND, 0x07, "000000", PACKAGE, ISD),
}
LOAD_FILES = {
    DOMAIN_PACKAGE: "4F07A0000001515350 9F700101 CE020100 8408A000000151535041",
    PACKAGE: "4F05F043415244 9F700101 CE020102 8406F0434152444D",
}


def greeting(sequence: int) -> SeenGreeting:
    kdd = bytes.fromhex("0000 0032 A0B1C2D3 ABCD")
    return SeenGreeting(0x30, kdd, 0x03, 0x70, bytes([sequence]) * 8, sequence, 0, True, (), False)


@pytest.fixture
def picture() -> CardPicture:
    return CardPicture(
        select_sw=0x9000,
        fci=FCI.parse(bytes.fromhex(f"6F5E 8408A000000151000000 A552 {MANAGEMENT} 9F650200FF")),
        card_data=CardRecognitionData.parse(bytes.fromhex(f"664D {MANAGEMENT}")),
        capabilities=CardCapabilities.parse(bytes.fromhex("6711 A00A 800103 81026070 820107 8303 010203")),
        keys=keys("01308810", "02308810", "03308810", "01708010", "01718010", "01408810", "02408810", "03408810"),
        cplc=CPLC.parse(
            bytes.fromhex(
                "9F7F2A 4790 5038 4791 0078 3300 0032 A0B1C2D3 ABCD 4812 0039 4812 0045"
                "1111 0050 00000001 2222 0060 00000002"
            )
        ),
        isd=status(StatusKind.ISD, "4F08A000000151000000 9F70010F C5039EFE80")[0],
        applications=status(StatusKind.APPLICATIONS, *APPLICATIONS.values()),
        load_files=status(StatusKind.MODULES, *LOAD_FILES.values()),
        status_faults=(),
        greetings=(greeting(4), greeting(5)),
        session=SeenSession(0x30, 0x33),
        memory=Memory.parse(bytes.fromhex("FF2110 81020004 820400016DB4 83040000086A")),
        issuer_number=bytes.fromhex("47112233"),
        card_number=bytes.fromhex("0000000012345678"),
        counter=5,
        confirmations=0,
        chain=SeenChain(),
        plain_status=0x6982,
        values={0x66: (bytes.fromhex(f"664D {MANAGEMENT}"), bytes.fromhex(MANAGEMENT))},
        channels=SeenChannels(3, 0),
        words=frozenset(((0xA4, 0x9000), (0xF2, 0x6310), (0xCA, 0x6A88))),
        domains={
            SSD: SeenDomain(keys("01318810", "02318810", "03318810"), 0x31),
            VERIFIER: SeenDomain(keys("01738010"), None),
        },
        refusals=Refusals((0x6982, 0x6982), (0x6300, True), {APPLET: 0x6985}),
        journal=Journal({(b"", 0x30): b"".join(KCVS), (SSD, 0x31): b"".join(KCVS)}, {PACKAGE: SeenLoad(LFDBH, CAP)}),
        history=History(),
        golden=frozenset({"CPLC ic serial"}),
    )


@pytest.fixture
def expected() -> Expectation:
    aes = [(kid, 0x88, 16) for kid in (1, 2, 3)]
    return Expectation(
        isd_aid=ISD,
        isd_privileges=0x9EFE80,
        life_cycles=frozenset({0x0F}),
        keys=(
            *(ExpectedKey(0x30, *key) for key in aes),
            *(ExpectedKey(0x31, *key, domain=SSD) for key in aes),
            *(ExpectedKey(0x40, *key, rule="GP-051") for key in aes),
            ExpectedKey(0x70, 1, 0x80, 16, rule="GP-048"),
            ExpectedKey(0x71, 1, 0x80, 16, rule="GP-048"),
            ExpectedKey(0x73, 1, 0x80, 16, domain=VERIFIER, rule="GP-047"),
        ),
        sets=(
            ExpectedSet(0x30, 0x03, 0x70, 0x33, 128, kcvs=KCVS),
            ExpectedSet(0x31, 0x03, 0x70, 0x33, 128, kcvs=KCVS, domain=SSD),
        ),
        applications=(
            ExpectedApplication(SSD, 0x0F, 0x808000, DOMAIN_PACKAGE, ISD, kvn=0x31, is_domain=True),
            ExpectedApplication(VERIFIER, 0x0F, 0xC08000, DOMAIN_PACKAGE, ISD, is_domain=True, verifies=True),
            ExpectedApplication(APPLET, 0x07, 0, PACKAGE, SSD, implicit=frozenset({0x40}), personalized=True),
            ExpectedApplication(SECOND, 0x07, 0, PACKAGE, ISD),
        ),
        load_files=(
            ExpectedLoadFile(DOMAIN_PACKAGE, b"\x01\x00", (DOMAIN_MODULE,)),
            ExpectedLoadFile(PACKAGE, b"\x01\x02", (MODULE,), LFDBH, CAP),
        ),
        deny=(bytes.fromhex("A0000000620001FF"),),
        cplc=ExpectedCPLC(
            chip={name: bytes.fromhex(text) for name, text in (("ic_fabricator", "4790"), ("os_id", "4791"))},
            made={"pre_personalizer": bytes.fromhex("1111")},
            personalized={"personalizer": bytes.fromhex("2222"), "personalization_date": bytes.fromhex("0060")},
            day=date(2030, 12, 1),
            in_kdd=True,
        ),
        issuer_number=bytes.fromhex("47112233"),
        card_number=bytes.fromhex("0000000012345678"),
        counter_limit=20,
        hands_off=True,
        confirmations=0,
        free_nvm=10_000,
        free_ram=1_000,
        channels=3,
        chain=True,
        variable=frozenset({"CPLC ic serial"}),
    )
