"""Rules about the tables of services of USIM, ISIM and 2G SIM, and the switches of EF.EST."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.check import Check, Trouble
from cardkit.apps.uicc.rules.expectation import GSM, ISIM, USIM, Expectation
from cardkit.apps.uicc.rules.relations import LATER

UST, EST = f"{USIM}/EF.UST", f"{USIM}/EF.EST"
IST, SST = f"{ISIM}/EF.IST", f"{GSM}/EF.SST"
TELECOM = "DF.TELECOM"
# TS 31.102 4.2.47: switch and its service
SWITCHES = {"FDN": 2, "BDN": 6, "ACL": 35}
FDN = "FDN"

# TS 51.011 10.3.7, from memory: service and the file it needs
SST_FILES = {
    2: f"{TELECOM}/EF.ADN", 3: f"{TELECOM}/EF.FDN", 4: f"{TELECOM}/EF.SMS", 7: f"{GSM}/EF.PLMNsel",
    9: f"{TELECOM}/EF.MSISDN", 10: f"{TELECOM}/EF.EXT1", 11: f"{TELECOM}/EF.EXT2", 12: f"{TELECOM}/EF.SMSP",
    13: f"{TELECOM}/EF.LND", 14: f"{GSM}/EF.CBMI", 15: f"{GSM}/EF.GID1", 16: f"{GSM}/EF.GID2", 17: f"{GSM}/EF.SPN",
    18: f"{TELECOM}/EF.SDN", 19: f"{TELECOM}/EF.EXT3", 30: f"{GSM}/EF.CBMIR", 31: f"{TELECOM}/EF.BDN",
    35: f"{TELECOM}/EF.SMSR", 43: f"{GSM}/EF.PLMNwAcT", 44: f"{GSM}/EF.OPLMNwAcT", 45: f"{GSM}/EF.HPLMNwAcT",
    51: f"{GSM}/EF.PNN", 52: f"{GSM}/EF.OPL", 56: f"{GSM}/EF.SPDI",
}  # fmt: skip
# What both tables offer the subscriber or neither: service of EF.SST, service of EF.UST.
SAME_STORY = {15: 17, 16: 18, 17: 19}


def _switches(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    enabled = picture.value(EST).get("enabled", [])
    services = picture.value(UST).get("services", []) if UST in picture.bodies else None
    for switch in enabled:
        if services is not None and switch in SWITCHES and SWITCHES[switch] not in services:
            yield Trouble(EST, f"{switch} is enabled, service {SWITCHES[switch]} is off")
    if FDN in enabled and expected.product is not None and not expected.fills(EST):
        yield Trouble(EST, f"{FDN} is enabled", f"{FDN} off")


def _isim_files(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    services = set(picture.value(IST).get("services", []))
    offered = [spec for spec in CATALOGUE.in_directory(ISIM) if spec.conditional and spec.offered(services)]
    missing = [spec.title for spec in offered if spec.title not in LATER and not picture.has(spec.name)]
    if missing:
        yield Trouble(IST, f"offered without a file: {', '.join(missing)}")


def _gsm_files(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    allocated = picture.value(SST).get("allocated", [])
    missing = [SST_FILES[service] for service in allocated if service in SST_FILES]
    missing = [name.rpartition("/")[2] for name in missing if not picture.has(name)]
    if missing:
        yield Trouble(SST, f"offered without a file: {', '.join(missing)}")


def _same_story(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    activated = set(picture.value(SST).get("activated", []))
    if not activated or UST not in picture.bodies:
        return
    services = set(picture.value(UST).get("services", []))
    told = [old for old, new in SAME_STORY.items() if (old in activated) != (new in services)]
    if told:
        old = told[0]
        said = "on" if old in activated else "off"
        yield Trouble(SST, f"service {old} is {said}, service {SAME_STORY[old]} of EF.UST is not")


NAMES = ("names", "which files are there")
CHECKS = (
    Check("UICC-044", _switches, files=(EST,)),
    Check("UICC-045", _isim_files, files=(IST,), fields=(NAMES,)),
    Check("UICC-045", _gsm_files, files=(SST,), fields=(NAMES,)),
    Check("UICC-045", _same_story, files=(SST,)),
)
