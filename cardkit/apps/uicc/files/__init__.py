"""The catalogue of files: what the standards say of each file of a SIM, USIM, ISIM, GSM-R or CDMA card.

    CATALOGUE["ADF.USIM/EF.IMSI"].codec.decode(body)
    CATALOGUE.at("ADF.USIM", 0x6F07)

Sizes are typical, not normative: the FCP of the card decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cardkit.apps.uicc.files import cdma, gsm, gsmr, isim, mf, model, usim, usim_directories
from cardkit.apps.uicc.files.spec import CURRENT_ADF, EF, Condition, FileSpec, Structure, expand
from cardkit.desired import Secrecy
from cardkit.errors import EncodingError

__all__ = [
    "APPLICATIONS",
    "CATALOGUE",
    "CURRENT_ADF",
    "DIRECTORIES",
    "Catalogue",
    "Condition",
    "Directory",
    "FileSpec",
    "Secrecy",
    "Structure",
]

# TS 101 220 annex E; for CSIM 3GPP2 C.S0065, from memory: registered provider and application code, the part every AID
# of the application starts with
APPLICATIONS = {
    "ADF.USIM": bytes.fromhex("A0000000871002"),
    "ADF.ISIM": bytes.fromhex("A0000000871004"),
    "ADF.HPSIM": bytes.fromhex("A000000087100A"),
    "ADF.CSIM": bytes.fromhex("A0000003431002"),
}


@dataclass(frozen=True, slots=True)
class Directory:
    """A dedicated file: the MF, a DF or an application.

    :param name: ``MF``, ``DF.TELECOM``, ``ADF.USIM``, ``ADF.USIM/DF.5GS``.
    :param path: FIDs from the MF on; 7FFF where it starts at an application; empty for the MF.
    """

    name: str
    path: tuple[int, ...]
    standard: str
    lines: tuple[EF, ...]

    @property
    def parent(self) -> str:
        """Name of the directory it lies in."""
        return self.name.rpartition("/")[0] or "MF"

    @property
    def application(self) -> str:
        """Name of the application it belongs to, "" if to none."""
        first = self.name.partition("/")[0]
        return first if first in APPLICATIONS else ""


_ADF = (CURRENT_ADF,)
_DIRECTORIES = (
    Directory("MF", (), "TS 102 221", mf.MF + model.MF_PLANT),
    Directory("DF.TELECOM", (0x7F10,), "TS 51.011", mf.TELECOM),
    Directory("DF.TELECOM/DF.GRAPHICS", (0x7F10, 0x5F50), "TS 31.102", mf.GRAPHICS),
    Directory("DF.TELECOM/DF.PHONEBOOK", (0x7F10, 0x5F3A), "TS 31.102", mf.PHONEBOOK),
    Directory("DF.TELECOM/DF.MULTIMEDIA", (0x7F10, 0x5F3B), "TS 31.102", mf.MULTIMEDIA),
    Directory("DF.TELECOM/DF.MCS", (0x7F10, 0x5F3D), "TS 31.102", mf.MCS),
    Directory("DF.TELECOM/DF.V2X", (0x7F10, 0x5F3E), "TS 31.102", mf.V2X),
    Directory("DF.GSM", (0x7F20,), "TS 51.011", gsm.GSM),
    Directory("DF.CDMA", (0x7F25,), "C.S0023-D", cdma.CDMA),
    Directory("DF.EIRENE", (0x7FE0,), "P 38 T 9001", gsmr.EIRENE),
    Directory("DF.SYSTEM", (0xA515,), "", model.SYSTEM),
    Directory("ADF.USIM", _ADF, "TS 31.102", usim.USIM + model.USIM_KEYS),
    Directory("ADF.USIM/DF.PHONEBOOK", (*_ADF, 0x5F3A), "TS 31.102", mf.PHONEBOOK),
    Directory("ADF.USIM/DF.GSM-ACCESS", (*_ADF, 0x5F3B), "TS 31.102", usim_directories.GSM_ACCESS),
    Directory("ADF.USIM/DF.WLAN", (*_ADF, 0x5F40), "TS 31.102", usim_directories.WLAN),
    Directory("ADF.USIM/DF.HNB", (*_ADF, 0x5F50), "TS 31.102", usim_directories.HNB),
    Directory("ADF.USIM/DF.ProSe", (*_ADF, 0x5F90), "TS 31.102", usim_directories.PROSE),
    Directory("ADF.USIM/DF.5GS", (*_ADF, 0x5FC0), "TS 31.102", usim_directories.FIVE_GS),
    Directory("ADF.USIM/DF.SAIP", (*_ADF, 0x5FD0), "TS 31.102", usim_directories.SAIP),
    Directory("ADF.USIM/DF.SNPN", (*_ADF, 0x5FE0), "TS 31.102", usim_directories.SNPN),
    Directory("ADF.USIM/DF.5G_ProSe", (*_ADF, 0x5FF0), "TS 31.102", usim_directories.FIVE_G_PROSE),
    Directory("ADF.USIM/DF.5MBSUECONFIG", (*_ADF, 0x5FF1), "TS 31.102", usim_directories.MBS),
    Directory("ADF.ISIM", _ADF, "TS 31.103", isim.ISIM + model.ISIM_KEYS),
    Directory("ADF.HPSIM", _ADF, "TS 31.104", isim.HPSIM),
    Directory("ADF.CSIM", _ADF, "C.S0023-D", cdma.CSIM),
)
DIRECTORIES: Mapping[str, Directory] = {directory.name: directory for directory in _DIRECTORIES}


class Catalogue(Mapping[str, FileSpec]):
    """All files by name: ``MF/EF.ICCID``, ``DF.GSM/EF.IMSI``, ``ADF.USIM/DF.5GS/EF.UAC_AIC``."""

    def __init__(self, directories: Mapping[str, Directory]) -> None:
        specs = [expand(d.name, d.path, d.standard, line) for d in directories.values() for line in d.lines]
        self._files = {spec.name: spec for spec in specs}
        self._places = {(spec.directory, spec.fid): spec for spec in specs}
        self._paths = {(directories[spec.directory].application, spec.path): spec for spec in specs}

    def __getitem__(self, name: str) -> FileSpec:
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def named(self, name: str) -> FileSpec:
        """Return a file.  :raises EncodingError: if the catalogue has none of that name, with the nearest names."""
        if name in self._files:
            return self._files[name]
        title = name.rpartition("/")[2]
        near = [other for other in self._files if other.rpartition("/")[2] == title]
        hint = f"; did you mean {' or '.join(near[:3])}?" if near else ""
        raise EncodingError(f"file {name!r}: not in the catalogue{hint}")

    def at(self, directory: str, fid: int) -> FileSpec | None:
        """Return the file with this identifier in a directory, None if the catalogue has none there."""
        return self._places.get((directory, fid))

    def by_path(self, path: tuple[int, ...], application: str = "") -> FileSpec | None:
        """Return the file at a path of FIDs from the MF on, None if the catalogue has none there.

        :param application: the one 7FFF stands for, such as ``ADF.USIM``; "" for paths that do not start with it.
        """
        return self._paths.get((application, path))

    def in_directory(self, directory: str) -> list[FileSpec]:
        """Return the files of one directory, those of its subdirectories not included."""
        return [spec for spec in self._files.values() if spec.directory == directory]


CATALOGUE = Catalogue(DIRECTORIES)
