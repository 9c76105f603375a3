"""States of travel documents: their two-letter code in certificates, their code in the zone (ICAO Doc 9303-3 5).

ISO 3166-1 from memory; Germany is ``D`` in the zone, Utopia is of specimens.
"""

from __future__ import annotations

_PAIRS = """
AD AND AE ARE AF AFG AG ATG AL ALB AM ARM AO AGO AR ARG AT AUT AU AUS AZ AZE BA BIH BB BRB BD BGD BE BEL BF BFA
BG BGR BH BHR BI BDI BJ BEN BN BRN BO BOL BR BRA BS BHS BT BTN BW BWA BY BLR BZ BLZ CA CAN CD COD CF CAF CG COG
CH CHE CI CIV CL CHL CM CMR CN CHN CO COL CR CRI CU CUB CV CPV CY CYP CZ CZE DE D DJ DJI DK DNK DM DMA DO DOM
DZ DZA EC ECU EE EST EG EGY ER ERI ES ESP ET ETH EU EUE FI FIN FJ FJI FM FSM FR FRA GA GAB GB GBR GD GRD GE GEO
GH GHA GM GMB GN GIN GQ GNQ GR GRC GT GTM GW GNB GY GUY HK HKG HN HND HR HRV HT HTI HU HUN ID IDN IE IRL IL ISR
IN IND IQ IRQ IR IRN IS ISL IT ITA JM JAM JO JOR JP JPN KE KEN KG KGZ KH KHM KI KIR KM COM KN KNA KP PRK KR KOR
KS RKS KW KWT KZ KAZ LA LAO LB LBN LC LCA LI LIE LK LKA LR LBR LS LSO LT LTU LU LUX LV LVA LY LBY MA MAR MC MCO
MD MDA ME MNE MG MDG MH MHL MK MKD ML MLI MM MMR MN MNG MO MAC MR MRT MT MLT MU MUS MV MDV MW MWI MX MEX MY MYS
MZ MOZ NA NAM NE NER NG NGA NI NIC NL NLD NO NOR NP NPL NR NRU NZ NZL OM OMN PA PAN PE PER PG PNG PH PHL PK PAK
PL POL PS PSE PT PRT PW PLW PY PRY QA QAT RO ROU RS SRB RU RUS RW RWA SA SAU SB SLB SC SYC SD SDN SE SWE SG SGP
SI SVN SK SVK SL SLE SM SMR SN SEN SO SOM SR SUR SS SSD ST STP SV SLV SY SYR SZ SWZ TD TCD TG TGO TH THA TJ TJK
TL TLS TM TKM TN TUN TO TON TR TUR TT TTO TV TUV TW TWN TZ TZA UA UKR UG UGA UN UNO US USA UT UTO UY URY UZ UZB
VA VAT VC VCT VE VEN VN VNM VU VUT WS WSM XK RKS XO XOM YE YEM ZA ZAF ZM ZMB ZW ZWE ZZ UNO
"""
_CODES = _PAIRS.split()
STATES = dict(zip(_CODES[::2], _CODES[1::2], strict=True))
"""Code in the zone by country of a certificate."""


def same_state(country: str, state: str) -> bool | None:
    """Whether a certificate's country is the state of a zone; None where the country is not known.

    :param country: two letters, upper or lower case.  :param state: with or without fillers.

    >>> same_state("de", "D<<"), same_state("UT", "UTO"), same_state("FR", "UTO"), same_state("QQ", "UTO")
    (True, True, False, None)
    """
    known = STATES.get(country.upper())
    return None if known is None else known == state.rstrip("<")
