"""The file templates of annex A: one line a file, as the newest version of its template has it.

SAIP 3.3.1 annex A, from an open tool's transcription, compared with 3GPP TS 31.102 and 31.103 and with published test
profiles; not checked against the text. There is no line for CSIM and IoT: packages say everything there.
"""

from __future__ import annotations

from typing import NamedTuple


class TemplateFile(NamedTuple):
    """A file of a template.

    :param component: its name in the ASN.1 module.  :param fid: 0 where the package gives it.
    :param body: ``D`` directory, ``T 9`` transparent, ``L 10x26``, ``C 1x3`` records of so many bytes, ``B`` BER-TLV;
        without the numbers that the package gives.
    :param rule: record of EF.ARR.  :param sfi: 0 for none.
    :param default: contents before the package writes: the last byte fills up; ``*`` behind: all of it, over and over;
        ``|``: here the byte before it fills up; empty for FF.
    :param special: special file information.
    """

    component: str
    fid: int
    body: str
    rule: int
    sfi: int
    default: str
    special: int = 0x00


# High update activity (TS 102 222 6.3.2.2).
HIGH = 0x80

_Line = tuple[str, int, str, int, int, str] | tuple[str, int, str, int, int, str, int]


def _files(*lines: _Line) -> tuple[TemplateFile, ...]:
    return tuple(TemplateFile(*line) for line in lines)


_PHONEBOOK = _files(
    ("df-phonebook", 0x5F3A, "D", 14, 0x00, ""),
    ("ef-pbr", 0x4F30, "L", 2, 0x00, ""),
    ("ef-ext1", 0x0000, "L x13", 5, 0x00, "00FF"),
    ("ef-aas", 0x0000, "L", 5, 0x00, "FF"),
    ("ef-gas", 0x0000, "L", 5, 0x00, "FF"),
    ("ef-psc", 0x4F22, "T 4", 5, 0x00, "00"),
    ("ef-cc", 0x4F23, "T 2", 5, 0x00, "00", HIGH),
    ("ef-puid", 0x4F24, "T 2", 5, 0x00, "00", HIGH),
    ("ef-iap", 0x0000, "L", 5, 0x00, "FF"),
    ("ef-adn", 0x0000, "L", 5, 0x00, "FF"),
    ("ef-pbc", 0x0000, "L x2", 5, 0x00, "00"),
    ("ef-anr", 0x0000, "L", 5, 0x00, "FF"),
    ("ef-puri", 0x0000, "L", 5, 0x00, ""),
    ("ef-email", 0x0000, "L", 5, 0x00, "FF"),
    ("ef-sne", 0x0000, "L", 5, 0x00, "FF"),
    ("ef-uid", 0x0000, "L x2", 5, 0x00, "00"),
    ("ef-grp", 0x0000, "L", 5, 0x00, "00"),
    ("ef-ccp1", 0x0000, "L", 5, 0x00, "FF"),
)

_MF = _files(
    ("mf", 0x3F00, "D", 14, 0x00, ""),
    ("ef-pl", 0x2F05, "T 2", 1, 0x05, "FF"),
    ("ef-iccid", 0x2FE2, "T 10", 11, 0x00, ""),
    ("ef-dir", 0x2F00, "L", 10, 0x1E, ""),
    ("ef-arr", 0x2F06, "L", 10, 0x00, ""),
    ("ef-umpc", 0x2F08, "T 5", 10, 0x08, ""),
)

_CD = _files(
    ("df-cd", 0x7F11, "D", 14, 0x00, ""),
    ("ef-launchpad", 0x6F01, "T", 2, 0x00, ""),
    ("ef-icon", 0x0000, "T", 2, 0x00, ""),
)

_TELECOM = (
    *_files(
        ("df-telecom", 0x7F10, "D", 14, 0x00, ""),
        ("ef-arr", 0x6F06, "L", 10, 0x00, ""),
        ("ef-rma", 0x6F53, "L", 3, 0x00, ""),
        ("ef-sume", 0x6F54, "T 22", 3, 0x00, ""),
        ("ef-ice-dn", 0x6FE0, "L 50x24", 9, 0x00, "FF"),
        ("ef-ice-ff", 0x6FE1, "L", 9, 0x00, "FF"),
        ("ef-psismsc", 0x6FE5, "L", 5, 0x00, ""),
        ("df-graphics", 0x5F50, "D", 14, 0x00, ""),
        ("ef-img", 0x4F20, "L", 2, 0x00, "00FF"),
        ("ef-ice-graphics", 0x4F21, "B", 9, 0x00, ""),
        ("ef-launch-scws", 0x4F01, "T", 10, 0x00, ""),
        ("ef-iidf", 0x0000, "T", 2, 0x00, "FF"),
        ("ef-icon", 0x0000, "T", 10, 0x00, ""),
    ),
    *_PHONEBOOK,
    *_files(
        ("df-multimedia", 0x5F3B, "D", 14, 0x00, ""),
        ("ef-mml", 0x4F47, "B", 5, 0x00, ""),
        ("ef-mmdf", 0x4F48, "B", 5, 0x00, ""),
        ("df-mmss", 0x5F3C, "D", 14, 0x00, ""),
        ("ef-mlpl", 0x4F20, "T", 2, 0x01, ""),
        ("ef-mspl", 0x4F21, "T", 2, 0x02, ""),
        ("ef-mmssmode", 0x4F22, "T 1", 2, 0x03, ""),
        ("df-mcs", 0x5F3D, "D", 14, 0x00, ""),
        ("ef-mst", 0x4F01, "T", 2, 0x01, ""),
        ("ef-mcs-config", 0x4F02, "B", 2, 0x02, ""),
        ("df-v2x", 0x5F3E, "D", 14, 0x00, ""),
        ("ef-vst", 0x4F01, "T", 2, 0x01, ""),
        ("ef-v2x-config", 0x4F02, "B", 2, 0x02, ""),
        ("ef-v2xp-pc5", 0x4F03, "T", 2, 0x00, ""),
        ("ef-v2xp-Uu", 0x4F04, "T", 2, 0x00, ""),
    ),
)

_USIM = _files(
    ("adf-usim", 0x0000, "D", 14, 0x00, ""),
    ("ef-imsi", 0x6F07, "T 9", 2, 0x07, ""),
    ("ef-arr", 0x6F06, "L", 10, 0x17, ""),
    ("ef-keys", 0x6F08, "T 33", 5, 0x08, "07FF", HIGH),
    ("ef-keysPS", 0x6F09, "T 33", 5, 0x09, "07FF", HIGH),
    ("ef-hpplmn", 0x6F31, "T 1", 2, 0x12, "0A"),
    ("ef-ust", 0x6F38, "T 17", 2, 0x04, ""),
    ("ef-fdn", 0x6F3B, "L 20x26", 8, 0x00, "FF"),
    ("ef-sms", 0x6F3C, "L 10x176", 5, 0x00, "00FF"),
    ("ef-smsp", 0x6F42, "L 1x38", 5, 0x00, "FF"),
    ("ef-smss", 0x6F43, "T 2", 5, 0x00, "FF"),
    ("ef-spn", 0x6F46, "T 17", 10, 0x00, ""),
    ("ef-est", 0x6F56, "T 1", 8, 0x05, ""),
    ("ef-start-hfn", 0x6F5B, "T 6", 5, 0x0F, "F00000F000", HIGH),
    ("ef-threshold", 0x6F5C, "T 3", 2, 0x10, "FF"),
    ("ef-psloci", 0x6F73, "T 14", 5, 0x0C, "FFFFFFFFFFFFFFFFFFFF0000FF01", HIGH),
    ("ef-acc", 0x6F78, "T 2", 2, 0x06, ""),
    ("ef-fplmn", 0x6F7B, "T 12", 5, 0x0D, "FF"),
    ("ef-loci", 0x6F7E, "T 11", 5, 0x0B, "FFFFFFFFFFFFFF0000FF01", HIGH),
    ("ef-ad", 0x6FAD, "T 4", 10, 0x03, "00000002"),
    ("ef-ecc", 0x6FB7, "L 1x4", 10, 0x01, ""),
    ("ef-netpar", 0x6FC4, "T 128", 5, 0x00, "FF", HIGH),
    ("ef-epsloci", 0x6FE3, "T 18", 5, 0x1E, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFF000001", HIGH),
    ("ef-epsnsc", 0x6FE4, "L 1x80", 5, 0x18, "FF", HIGH),
)

_OPT_USIM = _files(
    ("ef-li", 0x6F05, "T 6", 1, 0x02, "FF"),
    ("ef-acmax", 0x6F37, "T 3", 5, 0x00, "00"),
    ("ef-acm", 0x6F39, "C 1x3", 7, 0x00, "00", HIGH),
    ("ef-gid1", 0x6F3E, "T 8", 2, 0x00, ""),
    ("ef-gid2", 0x6F3F, "T 8", 2, 0x00, ""),
    ("ef-msisdn", 0x6F40, "L 1x24", 2, 0x00, "FF"),
    ("ef-puct", 0x6F41, "T 5", 5, 0x00, "FFFFFF00"),
    ("ef-cbmi", 0x6F45, "T 10", 5, 0x00, "FF"),
    ("ef-cbmid", 0x6F48, "T 10", 2, 0x0E, "FF"),
    ("ef-sdn", 0x6F49, "L 10x24", 2, 0x00, "FF"),
    ("ef-ext2", 0x6F4B, "L 10x13", 8, 0x00, "00FF"),
    ("ef-ext3", 0x6F4C, "L 10x13", 2, 0x00, "00FF"),
    ("ef-cbmir", 0x6F50, "T 20", 5, 0x00, "FF"),
    ("ef-plmnwact", 0x6F60, "T 40", 5, 0x0A, "FFFFFF0000*"),
    ("ef-oplmnwact", 0x6F61, "T 40", 2, 0x11, "FFFFFF0000*"),
    ("ef-hplmnwact", 0x6F62, "T 5", 2, 0x13, "FFFFFF00"),
    ("ef-dck", 0x6F2C, "T 16", 5, 0x00, "FF"),
    ("ef-cnl", 0x6F32, "T 30", 2, 0x00, "FF"),
    ("ef-smsr", 0x6F47, "L 10x30", 5, 0x00, "00FF"),
    ("ef-bdn", 0x6F4D, "L 10x25", 8, 0x00, "FF"),
    ("ef-ext5", 0x6F4E, "L 10x13", 5, 0x00, "00FF"),
    ("ef-ccp2", 0x6F4F, "L 5x15", 5, 0x16, "FF"),
    ("ef-ext4", 0x6F55, "L 10x13", 8, 0x00, "00FF"),
    ("ef-acl", 0x6F57, "T 101", 8, 0x00, "00FF"),
    ("ef-cmi", 0x6F58, "L 10x11", 2, 0x00, "FF"),
    ("ef-ici", 0x6F80, "C 20x38", 5, 0x14, "FF|FF0000000001FFFF", HIGH),
    ("ef-oci", 0x6F81, "C 20x37", 5, 0x15, "FF|FF00000001FFFF", HIGH),
    ("ef-ict", 0x6F82, "C 1x3", 7, 0x00, "00", HIGH),
    ("ef-oct", 0x6F83, "C 1x3", 7, 0x00, "00", HIGH),
    ("ef-vgcs", 0x6FB1, "T 20", 2, 0x00, ""),
    ("ef-vgcss", 0x6FB2, "T 7", 5, 0x00, ""),
    ("ef-vbs", 0x6FB3, "T 20", 2, 0x00, ""),
    ("ef-vbss", 0x6FB4, "T 7", 5, 0x00, ""),
    ("ef-emlpp", 0x6FB5, "T 2", 2, 0x00, ""),
    ("ef-aaem", 0x6FB6, "T 1", 5, 0x00, "00"),
    ("ef-hiddenkey", 0x6FC3, "T 4", 5, 0x00, "FF"),
    ("ef-pnn", 0x6FC5, "L 10x16", 10, 0x19, ""),
    ("ef-opl", 0x6FC6, "L 5x8", 10, 0x1A, ""),
    ("ef-mbdn", 0x6FC7, "L 3x24", 5, 0x00, ""),
    ("ef-ext6", 0x6FC8, "L 10x13", 5, 0x00, "00FF"),
    ("ef-mbi", 0x6FC9, "L 10x5", 5, 0x00, ""),
    ("ef-mwis", 0x6FCA, "L 10x6", 5, 0x00, "00", HIGH),
    ("ef-cfis", 0x6FCB, "L 10x16", 5, 0x00, "0100FF"),
    ("ef-ext7", 0x6FCC, "L 10x13", 5, 0x00, "00FF"),
    ("ef-spdi", 0x6FCD, "T 17", 2, 0x1B, ""),
    ("ef-mmsn", 0x6FCE, "L 10x6", 5, 0x00, "000000FF"),
    ("ef-ext8", 0x6FCF, "L 10x13", 5, 0x00, "00FF"),
    ("ef-mmsicp", 0x6FD0, "T 100", 2, 0x00, "FF"),
    ("ef-mmsup", 0x6FD1, "L", 5, 0x00, "FF"),
    ("ef-mmsucp", 0x6FD2, "T 100", 5, 0x00, "FF"),
    ("ef-nia", 0x6FD3, "L 5x11", 2, 0x00, "FF"),
    ("ef-vgcsca", 0x6FD4, "T", 2, 0x00, "00"),
    ("ef-vbsca", 0x6FD5, "T", 2, 0x00, "00"),
    ("ef-gbabp", 0x6FD6, "T", 5, 0x00, "FF"),
    ("ef-msk", 0x6FD7, "L", 2, 0x00, "FF", HIGH),
    ("ef-muk", 0x6FD8, "L", 2, 0x00, "FF"),
    ("ef-ehplmn", 0x6FD9, "T 15", 2, 0x1D, "FF"),
    ("ef-gbanl", 0x6FDA, "L", 2, 0x00, "FF"),
    ("ef-ehplmnpi", 0x6FDB, "T 1", 2, 0x00, "00"),
    ("ef-lrplmnsi", 0x6FDC, "T 1", 2, 0x00, "00"),
    ("ef-nafkca", 0x6FDD, "L", 2, 0x00, "FF"),
    ("ef-spni", 0x6FDE, "T", 10, 0x00, "00FF"),
    ("ef-pnni", 0x6FDF, "L", 10, 0x00, "00FF"),
    ("ef-ncp-ip", 0x6FE2, "L", 2, 0x00, ""),
    ("ef-ufc", 0x6FE6, "T 30", 10, 0x00, "801E60C01E900080040000000000000000F0000000004000000000000080"),
    ("ef-nasconfig", 0x6FE8, "T 18", 2, 0x00, ""),
    ("ef-uicciari", 0x6FE7, "L", 2, 0x00, ""),
    ("ef-pws", 0x6FEC, "T", 10, 0x00, ""),
    ("ef-fdnuri", 0x6FED, "L", 8, 0x00, "FF"),
    ("ef-bdnuri", 0x6FEE, "L", 8, 0x00, "FF"),
    ("ef-sdnuri", 0x6FEF, "L", 2, 0x00, "FF"),
    ("ef-ial", 0x6FF0, "L", 3, 0x00, "FF"),
    ("ef-ips", 0x6FF1, "C x4", 10, 0x00, "FF", HIGH),
    ("ef-ipd", 0x6FF2, "L", 3, 0x00, "FF", HIGH),
    ("ef-epdgid", 0x6FF3, "T", 2, 0x00, ""),
    ("ef-epdgselection", 0x6FF4, "T", 2, 0x00, ""),
    ("ef-epdgidem", 0x6FF5, "T", 2, 0x00, ""),
    ("ef-epdgselectionem", 0x6FF6, "T", 2, 0x00, ""),
    ("ef-frompreferred", 0x6FF7, "T 1", 2, 0x00, "00"),
    ("ef-imsconfigdata", 0x6FF8, "B", 2, 0x00, ""),
    ("ef-3gpppsdataoff", 0x6FF9, "T 4", 2, 0x00, ""),
    ("ef-3gpppsdataoffservicelist", 0x6FFA, "L", 2, 0x00, ""),
    ("ef-xcapconfigdata", 0x6FFC, "B", 2, 0x00, ""),
    ("ef-earfcnlist", 0x6FFD, "T", 10, 0x00, ""),
    ("ef-mudmidconfigdata", 0x6FFE, "B", 2, 0x00, ""),
    ("ef-eaka", 0x6F01, "T 1", 3, 0x00, ""),
)

_GSM_ACCESS = _files(
    ("df-gsm-access", 0x5F3B, "D", 14, 0x00, ""),
    ("ef-kc", 0x4F20, "T 9", 5, 0x01, "FF|FF07", HIGH),
    ("ef-kcgprs", 0x4F52, "T 9", 5, 0x02, "FF|FF07", HIGH),
    ("ef-cpbcch", 0x4F63, "T 10", 5, 0x00, "FF", HIGH),
    ("ef-invscan", 0x4F64, "T 1", 2, 0x00, "00"),
)

_DF_5GS = _files(
    ("df-df-5gs", 0x5FC0, "D", 14, 0x00, ""),
    ("ef-5gs3gpploci", 0x4F01, "T 20", 5, 0x01, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000001", HIGH),
    ("ef-5gsn3gpploci", 0x4F02, "T 20", 5, 0x02, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000001", HIGH),
    ("ef-5gs3gppnsc", 0x4F03, "L 2x62", 5, 0x03, "FF", HIGH),
    ("ef-5gsn3gppnsc", 0x4F04, "L 2x62", 5, 0x04, "FF", HIGH),
    ("ef-5gauthkeys", 0x4F05, "T 110", 5, 0x05, "", HIGH),
    ("ef-uac-aic", 0x4F06, "T 4", 2, 0x06, ""),
    ("ef-suci-calc-info", 0x4F07, "T", 2, 0x07, "FF"),
    ("ef-opl5g", 0x4F08, "L x10", 10, 0x08, "FF"),
    ("ef-supinai", 0x4F09, "T", 2, 0x09, ""),
    ("ef-routing-indicator", 0x4F0A, "T 4", 2, 0x0A, "F0FF00"),
    ("ef-ursp", 0x4F0B, "B", 2, 0x00, ""),
    ("ef-tn3gppsnn", 0x4F0C, "T 1", 2, 0x0C, "00"),
    ("ef-cag", 0x4F0D, "T 2", 2, 0x0D, ""),
    ("ef-sor-cmci", 0x4F0E, "T", 2, 0x0E, ""),
    ("ef-dri", 0x4F0F, "T 7", 2, 0x0F, ""),
    ("ef-5gsedrx", 0x4F10, "T 2", 2, 0x10, ""),
    ("ef-5gnswo-conf", 0x4F11, "T 1", 2, 0x11, ""),
    ("ef-mchpplmn", 0x4F15, "T 1", 2, 0x15, ""),
    ("ef-kausf-derivation", 0x4F16, "T 1", 2, 0x16, ""),
)

_DF_SAIP = _files(
    ("df-df-saip", 0x5FD0, "D", 14, 0x00, ""),
    ("ef-suci-calc-info-usim", 0x4F01, "T", 3, 0x00, "FF"),
)

_DF_SNPN = _files(
    ("df-df-snpn", 0x5FE0, "D", 14, 0x00, ""),
    ("ef-pws-snpn", 0x4F01, "T 1", 10, 0x00, ""),
)

_DF_5GPROSE = _files(
    ("df-df-5g-prose", 0x5FF0, "D", 14, 0x00, ""),
    ("ef-5g-prose-st", 0x4F01, "T 1", 2, 0x01, ""),
    ("ef-5g-prose-dd", 0x4F02, "T 26", 2, 0x02, ""),
    ("ef-5g-prose-dc", 0x4F03, "T 12", 2, 0x03, ""),
    ("ef-5g-prose-u2nru", 0x4F04, "T 32", 2, 0x04, ""),
    ("ef-5g-prose-ru", 0x4F05, "T 29", 2, 0x05, ""),
    ("ef-5g-prose-uir", 0x4F06, "T 32", 2, 0x06, ""),
)

_ISIM = _files(
    ("adf-isim", 0x0000, "D", 14, 0x00, ""),
    ("ef-impi", 0x6F02, "T", 2, 0x02, ""),
    ("ef-impu", 0x6F04, "L 1x", 2, 0x04, ""),
    ("ef-domain", 0x6F03, "T", 2, 0x05, ""),
    ("ef-ist", 0x6F07, "T 14", 2, 0x07, ""),
    ("ef-ad", 0x6FAD, "T 3", 10, 0x03, "00"),
    ("ef-arr", 0x6F06, "L", 10, 0x06, ""),
)

_OPT_ISIM = _files(
    ("ef-pcscf", 0x6F09, "L 1x", 2, 0x00, ""),
    ("ef-sms", 0x6F3C, "L 10x176", 5, 0x00, "00FF"),
    ("ef-smsp", 0x6F42, "L 1x38", 5, 0x00, "FF"),
    ("ef-smss", 0x6F43, "T 2", 5, 0x00, "FF"),
    ("ef-smsr", 0x6F47, "L 10x30", 5, 0x00, "00FF"),
    ("ef-gbabp", 0x6FD5, "T", 5, 0x00, "FF"),
    ("ef-gbanl", 0x6FD7, "L", 2, 0x00, "FF"),
    ("ef-nafkca", 0x6FDD, "L", 2, 0x00, "FF"),
    ("ef-uicciari", 0x6FE7, "L", 2, 0x00, ""),
    ("ef-frompreferred", 0x6FF7, "T 1", 2, 0x00, "00"),
    ("ef-imsconfigdata", 0x6FF8, "B", 2, 0x00, ""),
    ("ef-xcapconfigdata", 0x6FFC, "B", 2, 0x00, ""),
    ("ef-webrtcuri", 0x6FFA, "L", 2, 0x00, ""),
    ("ef-mudmidconfigdata", 0x6FFE, "B", 2, 0x00, ""),
)

_EAP = _files(
    ("df-eap", 0x0000, "D", 14, 0x00, ""),
    ("ef-eapkeys", 0x4F01, "T", 2, 0x00, "", HIGH),
    ("ef-eapstatus", 0x4F02, "T 1", 2, 0x00, "00", HIGH),
    ("ef-puid", 0x4F03, "T", 2, 0x00, ""),
    ("ef-ps", 0x4F04, "T", 5, 0x00, "FF", HIGH),
    ("ef-curid", 0x4F20, "T", 5, 0x00, "FF", HIGH),
    ("ef-reid", 0x4F21, "T", 5, 0x00, ""),
    ("ef-realm", 0x4F22, "T", 5, 0x00, ""),
)

TEMPLATE_FILES = {
    "mf": _MF,
    "cd": _CD,
    "telecom": _TELECOM,
    "usim": _USIM,
    "opt-usim": _OPT_USIM,
    "phonebook": _PHONEBOOK,
    "gsm-access": _GSM_ACCESS,
    "df-5gs": _DF_5GS,
    "df-saip": _DF_SAIP,
    "df-snpn": _DF_SNPN,
    "df-5gprose": _DF_5GPROSE,
    "isim": _ISIM,
    "opt-isim": _OPT_ISIM,
    "eap": _EAP,
}
"""By element."""
