"""The decoded fields of tests/vectors/uicc_files.json said in cardkit's names.

Each function takes what the source decoded and returns what our codec must decode; names differ, meanings must not.
Where the source misreads its own bytes (specs: categories as numbers, TP-VP as v + 5 ...), the vector of that field is
corrected here with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def hexed(value: dict[str, str]) -> str:
    return value["@hex"].upper()


def flags(value: dict[str, bool], names: dict[str, str]) -> list[str]:
    return [ours for theirs, ours in names.items() if value.get(theirs)]


def plmn(value: dict[str, str]) -> str:
    return f"{value['mcc']}-{value['mnc']}"


def acc(value: dict[str, bool]) -> Any:
    return {"classes": [number for number in range(16) if value[f"ACC{number}"]]}


_ACT = {
    frozenset(("E-UTRAN NB-S1", "E-UTRAN WB-S1")): ["E-UTRAN"],
    frozenset(("UTRAN",)): ["UTRAN"],
    frozenset(("E-UTRAN NB-S1", "E-UTRAN WB-S1", "EC-GSM-IoT", "GSM", "NG-RAN")): [
        "E-UTRAN", "NG-RAN", "GSM and EC-GSM-IoT",
    ],
}  # fmt: skip


def plmn_act(value: list) -> Any:
    return {"entries": [{"plmn": plmn(entry), "act": _ACT[frozenset(entry["act"])]} for entry in value]}


def number(value: dict[str, Any]) -> dict[str, Any]:
    kind = (value["ton_npi"]["type_of_number"], value["ton_npi"]["numbering_plan_id"])
    digits = value.get("dialing_nr", value.get("call_number"))
    if kind == ("international", "isdn_e164"):
        return {"number": f"+{digits}"}
    if kind == ("unknown", "isdn_e164"):
        return {"number": digits}
    assert kind == ("network_specific", "isdn_e164")
    return {"number": digits, "ton": "network specific", "npi": "ISDN"}


def dialling(value: dict[str, Any]) -> Any:
    return {"alpha": value["alpha_id"], **number(value)}


_PARAMETERS = {
    "tp_dest_addr": "destination", "tp_sc_addr": "sc", "tp_pid": "pid", "tp_dcs": "dcs", "tp_vp": "validity_minutes",
}  # fmt: skip


def smsp(value: dict[str, Any]) -> Any:
    """Addresses and what is present; PID, DCS and VP are compared in their own test (the source misreads VP)."""
    present = flags(value["parameter_indicators"], _PARAMETERS)
    addresses = {}
    for theirs, ours in (("tp_dest_addr", "destination"), ("tp_sc_addr", "sc")):
        if value[theirs]["length"] != 255:
            addresses[ours] = number(value[theirs])["number"]
        elif ours in present:
            addresses[ours] = ""
    return {"alpha": value["alpha_id"], "present": present, **addresses}


def suci(value: dict[str, Any]) -> Any:
    words = {0: "null", 1: "profile A", 2: "profile B"}
    schemes = sorted(value["prot_scheme_id_list"], key=lambda scheme: scheme["priority"])
    return {
        "schemes": [{"scheme": words[s["identifier"]], "key_index": s["key_index"]} for s in schemes],
        "keys": [
            {"id": k["hnet_pubkey_identifier"], "key": hexed(k["hnet_pubkey"])} for k in value["hnet_pubkey_list"]
        ],
    }


def earfcn(value: list) -> Any:
    lists = []
    for entry in value:
        first, *areas = entry["earfcn_list_tlv"]
        lists.append({"earfcn": first["earfcn"], "areas": [area["geographical_area"] for area in areas]})
    return {"lists": lists}


_AD_INFO = {
    "ciphering_indicator": "ciphering_indicator", "csg_display_control": "csg_display_control",
    "prose_services": "prose_services", "extended_drx": "extended_drx",
}  # fmt: skip
_AD_MODE = {"normal": "normal", "normal_and_specific_facilities": "normal and specific facilities"}


def ad(value: dict[str, Any]) -> Any:
    info = flags(value["additional_info"], _AD_INFO)
    found = {"mode": _AD_MODE[value["ms_operation_mode"]], "mnc_length": value["mnc_len"]}
    return {**found, "info": info} if info else found


def auth_key(value: dict[str, Any]) -> Any:
    config = value["cfg"]
    variant = config.get("sres_deriv_func", config.get("sres_deriv_func_in_2g"))
    found = {"opc_given": config["use_opc_instead_of_op"], "sres_variant": variant, "opc": hexed(value["op_opc"])}
    if config["algorithm"] == "tuak":
        assert (config["key_length"], value["tuak_cfg"]) == (
            128,
            {"ck_and_ik_size": 128, "mac_size": 128, "res_size": 128},
        )
        return {
            **found, "algorithm": "TUAK", "short_res": False, "tuak": 0x0A, "k": hexed(value["k"]),
            "keccak_iterations": value["num_of_keccak_iterations"],
        }  # fmt: skip
    assert config["algorithm"] == "milenage"
    return {**found, "algorithm": "Milenage", "short_res": False, "k": hexed(value["key"])}


_PIN_STATE = {
    "disabled": "disabled", "not_initialized": "not_initialized", "disable_able": "disableable",
    "unblock_able": "unblockable", "change_able": "changeable", "valid": "valid",
}  # fmt: skip


def pin(value: dict[str, Any]) -> Any:
    found = {
        "state": flags(value["state"], _PIN_STATE), "left": value["attempts_remaining"],
        "max": value["maximum_attempts"], "value": hexed(value["pin"]).ljust(16, "F"),
    }  # fmt: skip
    puk = value["puk"]
    if puk is None:
        return found
    return {
        **found,
        "puk_left": puk["attempts_remaining"],
        "puk_max": puk["maximum_attempts"],
        "puk": hexed(puk["puk"]),
    }


_SQN_CHECKS = {
    "sqn_check": "sqn", "age_limit_check": "age", "delta_max_check": "delta", "skip_next_sqn_check": "skip_next",
}  # fmt: skip
_SQN_OPTIONS = {
    "autn_concealed": "conceal_sqn_in_autn", "aus_concealed": "conceal_sqn_in_auts",
    "dont_clear_amf_for_macs": "keep_amf_in_mac_s",
}  # fmt: skip


def sqn(value: dict[str, Any]) -> Any:
    return {
        "checks": flags(value["flag1"], _SQN_CHECKS), "ind_bits": value["flag1"]["ind_len"],
        "options": flags(value["flag2"], _SQN_OPTIONS), "delta_max": value["delta_max"],
        "age_limit": value["age_limit"], "freshness": value["freshness"],
    }  # fmt: skip


def directory(value: dict[str, Any]) -> Any:
    found: dict[str, str] = {}
    for part in value["application_template"]:
        if "application_id" in part:
            found["aid"] = hexed(part["application_id"])
        if "application_label" in part:
            found["label"] = part["application_label"]
        if "discretionary_template" in part:
            found["discretionary"] = hexed(part["discretionary_template"])
    return found


_LEVELS = {"A": "A", "B": "B", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4"}
_ECC = {
    "police": "police", "ambulance": "ambulance", "fire_brigade": "fire", "marine_guard": "marine",
    "mountain_rescue": "mountain", "manual_ecall": "manual_ecall", "automatic_ecall": "automatic_ecall",
}  # fmt: skip
_MAIL = ("voicemail", "fax", "email", "other", "videomail")
_STATUS = {0: "updated", 1: "not updated", "updated": "updated", "not_updated": "not updated"}


def mwis(value: dict[str, Any]) -> Any:
    counts = {name: value[f"num_waiting_{name}"] for name in _MAIL if value[f"num_waiting_{name}"] is not None}
    return {"waiting": flags(value["mwi_status"], {name: name for name in _MAIL}), **counts}


def mbi(value: dict[str, int]) -> Any:
    ours = {"mbi_voicemail": "voicemail", "mbi_fax": "fax", "mbi_email": "email", "mbi_other": "other"}
    return {name: value[theirs] for theirs, name in {**ours, "mbi_videocall": "videomail"}.items()}


def loci(value: dict[str, Any]) -> Any:
    """The 2G codec of the source leaves the area as bytes: 22F8 10 is 228-01 (TS 24.008 10.5.1.13)."""
    lai = value["lai"]
    network, lac = ("228-01", "0978") if "@hex" in lai else (lai["mcc_mnc"], hexed(lai["lac"]))
    rfu = value.get("rfu", value.get("tmsi_time"))
    found = {"tmsi": hexed(value["tmsi"]), "plmn": network, "lac": lac, "status": _STATUS[value["lu_status"]]}
    return found if rfu == 0xFF else {**found, "rfu": f"{rfu:02X}"}


def locigprs(value: dict[str, Any]) -> Any:
    """RAI 22F899 0000 FF: 228-99, area 0000, FF."""
    assert hexed(value["rai"]) == "22F8990000FF"
    return {
        "p_tmsi": hexed(value["ptmsi"]), "signature": hexed(value["ptmsi_sig"]), "plmn": "228-99", "lac": "0000",
        "rac": "FF", "status": _STATUS[value["rau_status"]],
    }  # fmt: skip


def opl(value: dict[str, Any]) -> Any:
    lai = value["lai"]
    return {
        "plmn": lai["mcc_mnc"], "lac_low": hexed(lai["lac_min"]), "lac_high": hexed(lai["lac_max"]),
        "pnn": value["pnn_record_id"],
    }  # fmt: skip


_FQDN = {"operator_identified": "operator identifier", "location_based": "location based"}


def epdg_selection(value: dict[str, Any]) -> Any:
    return {
        "networks": [
            {"plmn": n["plmn"], "priority": n["epdg_priority"], "fqdn": _FQDN[n["epdg_fqdn_format"]]}
            for n in value["e_pdg_selection"]
        ]
    }


def milenage(value: dict[str, Any]) -> Any:
    rotations = {f"r{n}": value[f"r{n}"] for n in range(1, 6)}
    return rotations | {f"c{n}": hexed(value[f"c{n}"]) for n in range(1, 6)}


_MODES = {
    "read_search_compare": 0x01, "update_erase": 0x02, "write_append": 0x04, "deactivate_file_or_record": 0x08,
    "activate_file_or_record": 0x10, "terminate_ef": 0x20, "delete_file": 0x40,
}  # fmt: skip


def arr(value: list) -> Any:
    rules = []
    for place, condition in value:
        if "access_mode" in place:
            entry = {"mode": f"{sum(_MODES[word] for word in place['access_mode']):02X}"}
        else:
            entry = {"command": f"84{place['command_header']['INS']:02X}"}
        ((kind, key),) = condition.items()
        rules.append({**entry, "conditions": [key if kind == "control_reference_template" else kind]})
    return {"rules": rules}


def umpc(value: dict[str, Any]) -> Any:
    info = {"req_inc_idle_current": "increased_idle_current", "support_uicc_suspend": "suspend_uicc"}
    return {
        "max_current_ma": value["max_current_mA"], "t_op_s": value["t_op_s"], "info": flags(value["addl_info"], info)
    }  # fmt: skip


def spn(value: dict[str, Any]) -> Any:
    return {
        "name": value["spn"], "show_plmn_in_hplmn": value["show_in_hplmn"], "hide_in_oplmn": value["hide_in_oplmn"]
    }  # fmt: skip


def uac(value: dict[str, Any]) -> Any:
    names = {"multimedia_priority_service": "multimedia_priority", "mission_critical_service": "mission_critical"}
    return {"enabled": flags(value["uac_access_id_config"], names)}


_INDICATION = {"no_preference": "no preference", "display_all": "all"}


def group_flags(value: dict[str, list[int]]) -> Any:
    """50 flags; the 6 bits behind them are 1 (TS 31.102 4.2.74)."""
    return {"active": [number for number, bit in enumerate(value["flags"], 1) if bit] + list(range(51, 57))}


def cfis(value: dict[str, Any]) -> Any:
    services = {name: name for name in ("voice", "fax", "data")}
    return {"msp": value["msp_number"], "forwarding": flags(value["cfu_indicator_status"], services)}


def emlpp(value: dict[str, Any]) -> Any:
    setup = flags(value["fast_call_setup_cond"], _LEVELS)
    return {"levels": flags(value["levels"], _LEVELS), "fast_setup": setup}


MEANINGS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "EF.EHPLMNPI": ("ADF.USIM/EF.EHPLMNPI", lambda v: {"indication": _INDICATION[v["presentation_ind"]]}),
    "EF.HPPLMN": ("ADF.USIM/EF.HPPLMN", lambda v: {"interval": v}),
    "EF.AAeM": ("ADF.USIM/EF.AAeM", lambda v: {"enabled": flags(v["auto_answer_prio_levels"], _LEVELS)}),
    "EF.UMPC": ("MF/EF.UMPC", umpc),
    "EF.DOMAIN": ("ADF.ISIM/EF.DOMAIN", lambda v: {"domain": v["domain"]}),
    "EF.PLMNsel": ("DF.GSM/EF.PLMNsel", lambda v: {"entries": [plmn(entry) for entry in v]}),
    "EF.MSISDN": ("ADF.USIM/EF.MSISDN", dialling),
    "EF.ADN": ("DF.TELECOM/EF.ADN", dialling),
    "EF.MWIS": ("ADF.USIM/EF.MWIS", mwis),
    "EF.MBI": ("ADF.USIM/EF.MBI", mbi),
    "EF.SUCI_Calc_Info": ("ADF.USIM/DF.5GS/EF.SUCI_Calc_Info", suci),
    "EF.EARFCNList": ("ADF.USIM/EF.EARFCNList", earfcn),
    "EF.START_HFN": ("ADF.USIM/EF.START-HFN", lambda v: {name: f"{v[name]:06X}" for name in ("start_cs", "start_ps")}),
    "EF.THRESHOLD": ("ADF.USIM/EF.THRESHOLD", lambda v: {"max_start": v["max_start"]}),
    "EF.SIM_AUTH_KEY": ("DF.SYSTEM/EF.SIM_AUTH_KEY", auth_key),
    "EF.USIM_AUTH_KEY": ("ADF.USIM/EF.USIM_AUTH_KEY", auth_key),
    "EF.USIM_AUTH_KEY_2G": ("ADF.USIM/EF.USIM_AUTH_KEY_2G", auth_key),
    "EF.USIM_SQN": ("ADF.USIM/EF.USIM_SQN", sqn),
    "EF.MILENAGE_CFG": ("DF.SYSTEM/EF.MILENAGE_CFG", milenage),
    "EF.ePDGId": ("ADF.USIM/EF.ePDGId", lambda v: {"epdg": v["e_pdg_id"]["ePDG_address"]}),
    "EF.ePDGSelection": ("ADF.USIM/EF.ePDGSelection", epdg_selection),
    "EF.ACMmax": ("ADF.USIM/EF.ACMmax", lambda v: {"units": v["acm_max"]}),
    "EF.PCSCF": ("ADF.ISIM/EF.P-CSCF", lambda v: {"p_cscf": v["pcscf_address"]["address"]}),
    "EF.ACC": ("ADF.USIM/EF.ACC", acc),
    "EF.Kc": ("DF.GSM/EF.Kc", lambda v: {"kc": hexed(v["kc"]), "cksn": v["cksn"]}),
    "EF.DIR": ("MF/EF.DIR", directory),
    "EF.VGCS": ("ADF.USIM/EF.VGCS", lambda v: {"entries": [str(group) for group in v]}),
    "EF.VGCSS": ("ADF.USIM/EF.VGCSS", group_flags),
    "EF.AD": ("ADF.USIM/EF.AD", ad),
    "EF.UAC_AIC": ("ADF.USIM/DF.5GS/EF.UAC_AIC", uac),
    "EF.SMSP": ("ADF.USIM/EF.SMSP", smsp),
    "EF.LP": ("DF.GSM/EF.LP", lambda v: {"entries": [int(code, 16) for code in v]}),
    "EF.CFIS": ("ADF.USIM/EF.CFIS", cfis),
    "EF.LOCIGPRS": ("DF.GSM/EF.LOCIGPRS", locigprs),
    "EF.LOCI": ("ADF.USIM/EF.LOCI", loci),
    "EF.ECC": ("ADF.USIM/EF.ECC", lambda v: {"number": v["call_code"], "services": flags(v["service_category"], _ECC)}),
    "EF.ICCID": ("MF/EF.ICCID", lambda v: {"iccid": v["iccid"]}),
    "EF.PWS": ("ADF.USIM/EF.PWS", lambda v: {"enabled": flags(v["pws_configuration"], {})}),
    "EF.OPL": ("ADF.USIM/EF.OPL", opl),
    "EF.NAFKCA": ("ADF.USIM/EF.NAFKCA", lambda v: {"naf_key_centre": v["naf_key_centre_address"]}),
    "EF.eMLPP": ("ADF.USIM/EF.eMLPP", emlpp),
    "EF.IMPI": ("ADF.ISIM/EF.IMPI", lambda v: {"impi": v["nai"]}),
    "EF.IMPU": ("ADF.ISIM/EF.IMPU", lambda v: {"impu": v["impu"]}),
    "EF.PL": ("MF/EF.PL", lambda v: {"entries": [code for code in v if code]}),
    "EF.ARR": ("MF/EF.ARR", arr),
    "EF.SPN": ("ADF.USIM/EF.SPN", spn),
    "EF.xPLMNwAcT": ("ADF.USIM/EF.PLMNwAcT", plmn_act),
    "EF.IMSI": ("ADF.USIM/EF.IMSI", lambda v: {"imsi": v["imsi"]}),
    "EF.PIN": ("DF.SYSTEM/EF.PIN1", pin),
}  # fmt: skip
