"""Which country a number is of: MCC (ITU-T E.212), calling code (E.164), issuer of a card (E.118).

From memory, but the six of the sheet; a country that is not here tells nothing. What shares a calling code (7: Russia
and Kazakhstan; 1: North America) counts as one.
"""

from __future__ import annotations

_CALLING_CODES = {
    "1": "302 310 311 312 313 314 315 316", "7": "250 401", "20": "602", "27": "655", "30": "202", "31": "204",
    "32": "206", "33": "208", "34": "214", "36": "216", "39": "222", "40": "226", "41": "228", "43": "232",
    "44": "234 235", "45": "238", "46": "240", "47": "242", "48": "260", "49": "262", "51": "716", "52": "334",
    "54": "722", "55": "724", "56": "730", "57": "732", "58": "734", "60": "502", "61": "505", "62": "510",
    "63": "515", "64": "530", "65": "525", "66": "520", "81": "440 441", "82": "450", "84": "452", "86": "460 461",
    "90": "286", "91": "404 405 406", "92": "410", "93": "412", "94": "413", "95": "414", "98": "432",
    "212": "604", "213": "603", "216": "605", "218": "606", "220": "607", "221": "608", "225": "612", "230": "617",
    "233": "620", "234": "621", "237": "624", "244": "631", "249": "634", "250": "635", "251": "636", "254": "639",
    "255": "640", "256": "641", "258": "643", "260": "645", "263": "648", "264": "649", "351": "268", "352": "270",
    "353": "272", "354": "274", "355": "276", "356": "278", "357": "280", "358": "244", "359": "284", "370": "246",
    "371": "247", "372": "248", "373": "259", "374": "283", "375": "257", "380": "255", "381": "220", "385": "219",
    "386": "293", "387": "218", "389": "294", "420": "230", "421": "231", "423": "295", "591": "736", "593": "740",
    "595": "744", "598": "748", "673": "528", "852": "454", "853": "455", "855": "456", "856": "457", "880": "470",
    "886": "466", "960": "472", "961": "415", "962": "416", "963": "417", "964": "418", "965": "419", "966": "420",
    "967": "421", "968": "422", "971": "424", "972": "425", "973": "426", "974": "427", "975": "402", "976": "428",
    "977": "429", "992": "436", "993": "438", "994": "400", "995": "282", "996": "437", "998": "434",
}  # fmt: skip
_BY_MCC = {mcc: code for code, text in _CALLING_CODES.items() for mcc in text.split()}
_LONGEST = 3
_TELECOM = "89"


def country_of_mcc(mcc: str) -> str | None:
    """Return the calling code of a network's country, None where it is not known.

    >>> country_of_mcc("434"), country_of_mcc("001")
    ('998', None)
    """
    return _BY_MCC.get(mcc)


def country_of_number(number: str) -> str | None:
    """Return the calling code an international number begins with.

    >>> country_of_number("+998901234567"), country_of_number("+77011234567")
    ('998', '7')
    """
    digits = number.removeprefix("+")
    return next((digits[:size] for size in range(1, _LONGEST + 1) if digits[:size] in _CALLING_CODES), None)


def country_of_iccid(iccid: str) -> str | None:
    """Return the calling code of the country a card was issued in.

    >>> country_of_iccid("8999801234567890123")
    '998'
    """
    return country_of_number(iccid[len(_TELECOM) :]) if iccid.startswith(_TELECOM) else None
