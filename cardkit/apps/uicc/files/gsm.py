"""DF.GSM of 2G SIMs and of UICCs that serve 2G phones (3GPP TS 51.011 10.3).

Access conditions are from memory. Service numbers are left out: EF.SST counts its own.
"""

from __future__ import annotations

from cardkit.apps.uicc import arr
from cardkit.apps.uicc.codecs import calls, dialling, identity, mms, names, nas, networks, services
from cardkit.apps.uicc.files.spec import EF, PERSONAL, SECRET

# TS 51.011
GSM = (
    EF("ARR", 0x6F06, 0x00, "L 1+", "w/A", "op", arr.ACCESS_RULES, "TS 102 221 13.4"),
    EF("LP", 0x6F05, 0x00, "T 1+", "w/P", "FF", identity.LANGUAGE_CODES, "10.3.1"),
    EF("IMSI", 0x6F07, 0x00, "T 9", "P/A", "op", identity.IMSI, "10.3.2", "", PERSONAL),
    EF("Kc", 0x6F20, 0x00, "T 9", "P/P", "FFFFFFFFFFFFFFFF07", identity.KC, "10.3.32", "", SECRET),
    EF("PLMNsel", 0x6F30, 0x00, "T 24+", "P/P", "FF", networks.PLMN_LIST, "10.3.4"),
    EF("HPPLMN", 0x6F31, 0x00, "T 1+", "P/A", "op", networks.HPPLMN, ""),
    EF("ACMmax", 0x6F37, 0x00, "T 3", "P/2", "00", calls.COUNTER_3, "10.3.6"),
    EF("SST", 0x6F38, 0x00, "T 2+", "P/A", "op", services.SST, "10.3.7"),
    EF("ACM", 0x6F39, 0x00, "C 3", "P/2", "00", calls.COUNTER_3, ""),
    EF("GID1", 0x6F3E, 0x00, "T 1+", "P/A", "FF", identity.GID, ""),
    EF("GID2", 0x6F3F, 0x00, "T 1+", "P/A", "FF", identity.GID, ""),
    EF("SPN", 0x6F46, 0x00, "T 17", "w/A", "op", names.SPN, "10.3.11"),
    EF("PUCT", 0x6F41, 0x00, "T 5", "P/2", "FFFFFF0000", calls.PUCT, ""),
    EF("CBMI", 0x6F45, 0x00, "T 2+", "P/P", "FF", nas.CBMI, "10.3.13"),
    EF("BCCH", 0x6F74, 0x00, "T 16", "P/P", "FF", networks.BCCH, ""),
    EF("ACC", 0x6F78, 0x00, "T 2", "P/A", "op", identity.ACC, "10.3.15"),
    EF("FPLMN", 0x6F7B, 0x00, "T 12", "P/P", "FF", networks.PLMN_LIST, "10.3.4"),
    EF("LOCI", 0x6F7E, 0x00, "T 11", "P/P", 4 * "FF" + "FFFFFF0000FF01", networks.LOCI, "10.3.16", "", PERSONAL),
    EF("AD", 0x6FAD, 0x00, "T 3+", "w/A", "op", identity.AD, "10.3.18"),
    EF("Phase", 0x6FAE, 0x00, "T 1", "w/A", "op", identity.PHASE, ""),
    EF("VGCS", 0x6FB1, 0x00, "T 4+", "P/A", "FF", dialling.GROUP_IDS, "10.3.20"),
    EF("VGCSS", 0x6FB2, 0x00, "T 7", "P/P", "op", dialling.GROUP_FLAGS, "10.3.21"),
    EF("VBS", 0x6FB3, 0x00, "T 4+", "P/A", "FF", dialling.GROUP_IDS, "10.3.20"),
    EF("VBSS", 0x6FB4, 0x00, "T 7", "P/P", "op", dialling.GROUP_FLAGS, "10.3.21"),
    EF("eMLPP", 0x6FB5, 0x00, "T 2", "P/A", "op", dialling.EMLPP, "10.3.24"),
    EF("AAeM", 0x6FB6, 0x00, "T 1", "P/P", "op", services.AAEM, "10.3.25"),
    EF("CBMID", 0x6F48, 0x00, "T 2+", "P/A", "FF", nas.CBMI, "10.3.26"),
    EF("ECC", 0x6FB7, 0x00, "T 3+", "w/A", "FF", identity.ECC_2G, "10.3.27"),
    EF("CBMIR", 0x6F50, 0x00, "T 4+", "P/P", "FF", nas.CBMIR, "10.3.28"),
    EF("DCK", 0x6F2C, 0x00, "T 16", "P/P", "FF", identity.DCK, "10.3.29", "", SECRET),
    EF("CNL", 0x6F32, 0x00, "T 6+", "P/A", "FF", networks.CNL, "10.3.30"),
    EF("NIA", 0x6F51, 0x00, "L 1+", "P/A", "FF", names.NIA, "10.3.31"),
    EF("KcGPRS", 0x6F52, 0x00, "T 9", "P/P", "FFFFFFFFFFFFFFFF07", identity.KC, "10.3.32", "", SECRET),
    EF("LOCIGPRS", 0x6F53, 0x00, "T 14", "P/P", 7 * "FF" + "FFFFFF0000FF01", networks.PSLOCI, "10.3.33", "", PERSONAL),
    EF("SUME", 0x6F54, 0x00, "T 1+", "A/A", "FF", names.SUME, ""),
    EF("PLMNwAcT", 0x6F60, 0x00, "T 40+", "P/P", "FFFFFF0000*", networks.PLMN_ACT_LIST, "10.3.35..37"),
    EF("OPLMNwAcT", 0x6F61, 0x00, "T 40+", "P/A", "FFFFFF0000*", networks.PLMN_ACT_LIST, "10.3.35..37"),
    EF("HPLMNwAcT", 0x6F62, 0x00, "T 40+", "P/A", "FFFFFF0000*", networks.PLMN_ACT_LIST, "10.3.35..37"),
    EF("CPBCCH", 0x6F63, 0x00, "T 2+", "P/P", "FF", networks.CPBCCH, "10.3.38"),
    EF("InvScan", 0x6F64, 0x00, "T 1", "P/A", "op", services.INV_SCAN, "10.3.39"),
    EF("PNN", 0x6FC5, 0x00, "L 1+", "w/A", "op", names.PNN, "4.2.58"),
    EF("OPL", 0x6FC6, 0x00, "L 8", "w/A", "op", networks.OPL, "10.3.42"),
    EF("MBDN", 0x6FC7, 0x00, "L 14+", "P/*", "FF", dialling.NUMBER, "10.5.1"),
    EF("MBI", 0x6FC9, 0x00, "L 4+", "P/*", "op", dialling.MBI, "10.3.44"),
    EF("MWIS", 0x6FCA, 0x00, "L 5+", "P/P", "00", dialling.MWIS, "10.3.45"),
    EF("CFIS", 0x6FCB, 0x00, "L 16+", "P/P", "0100FF", dialling.CFIS, "10.3.46", "", PERSONAL),
    EF("EXT6", 0x6FC8, 0x00, "L 13", "P/*", "00FF", dialling.EXTENSION, ""),
    EF("EXT7", 0x6FCC, 0x00, "L 13", "P/P", "00FF", dialling.EXTENSION, "", "", PERSONAL),
    EF("SPDI", 0x6FCD, 0x00, "T 1+", "P/A", "FF", networks.SPDI, "10.3.66"),
    EF("MMSN", 0x6FCE, 0x00, "L 4+", "P/P", "000000FF", mms.MMSN, "10.3.51", "", PERSONAL),
    EF("EXT8", 0x6FCF, 0x00, "L 13", "P/P", "00FF", dialling.EXTENSION, "", "", PERSONAL),
    EF("MMSICP", 0x6FD0, 0x00, "T 1+", "P/A", "FF", mms.MMS_PARAMETERS, "10.3.53"),
    EF("MMSUP", 0x6FD1, 0x00, "L 1+", "P/P", "FF", mms.MMSUP, "10.3.54", "", PERSONAL),
    EF("MMSUCP", 0x6FD2, 0x00, "T 1+", "P/P", "FF", mms.MMS_PARAMETERS, "10.3.55"),
)
