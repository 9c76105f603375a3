"""The types of the profile package: one line a component, in the order and with the names of the ASN.1 module.

SAIP 3.3.1, annex with the module PEDefinitions: AUTOMATIC TAGS, EXTENSIBILITY IMPLIED. A type in which one component
has a tag of its own has no automatic tags at all (X.680 24.2): there the others carry universal ones.
"""

from __future__ import annotations

from cardkit.apps.uicc.names import key_reference
from cardkit.apps.uicc.saip.asn1 import (
    HIDDEN,
    INTEGER,
    NULL,
    OCTETS,
    OID,
    TEXT,
    Group,
    Kind,
    Node,
    Primitive,
    choices,
    sequence,
    sequence_of,
    tagged,
)
from cardkit.apps.uicc.saip.schema_files import FILE_LISTS

# Universal tags, and those of the classes APPLICATION and PRIVATE the module uses.
_INTEGER, _OCTETS, _OID, _SEQUENCE = 0x02, 0x04, 0x06, 0x30
_AID, _CREATE_FCP, _PROVIDER = 0x4F, 0x62, 0x5F20

PE_HEADER = sequence(("mandated", NULL), ("identification", INTEGER))

MILENAGE, TUAK, TEST_ALGORITHM = 1, 2, 3
ALGORITHMS = {MILENAGE: "milenage", TUAK: "tuak", TEST_ALGORITHM: "usim-test-algorithm"}

_PIN_REFERENCES = (*range(0x01, 0x09), *range(0x0A, 0x0F), *range(0x81, 0x89), *range(0x8A, 0x8F))
PIN_REFERENCE = Primitive(Kind.INTEGER, words={number: key_reference(number) for number in _PIN_REFERENCES})
_PUK_REFERENCES = (*range(0x01, 0x09), *range(0x81, 0x89))
PUK_REFERENCE = Primitive(Kind.INTEGER, words={number: f"PUK of {key_reference(number)}" for number in _PUK_REFERENCES})

_SERVICES = (
    "contactless usim isim csim milenage tuak128 cave gba-usim gba-isim mbms eap javacard multos multiple-usim "
    "multiple-isim multiple-csim tuak256 usim-test-algorithm ber-tlv dfLink cat-tp get-identity profile-a-x25519 "
    "profile-b-p256 suciCalculatorApi dns-resolution scp11ac scp11c-authorization-mechanism s16mode eaka"
)
SERVICES = sequence(*((name, NULL) for name in _SERVICES.split()))

HEADER = sequence(
    ("major-version", INTEGER),
    ("minor-version", INTEGER),
    ("profileType", TEXT),
    ("iccid", OCTETS),
    ("pol", OCTETS),
    ("eUICC-Mandatory-services", SERVICES),
    ("eUICC-Mandatory-GFSTEList", sequence_of("template", _OID, OID)),
    ("connectivityParameters", HIDDEN),
    ("eUICC-Mandatory-AIDs", sequence_of("application", _SEQUENCE, sequence(("aid", OCTETS), ("version", OCTETS)))),
    ("iotOptions", sequence(("pix", OCTETS))),
)

PROPRIETARY = tagged(
    ("specialFileInformation", 0xC0, OCTETS),
    ("fillPattern", 0xC1, OCTETS),
    ("repeatPattern", 0xC2, OCTETS),
    ("maximumFileSize", 0x86, OCTETS),
    ("fileDetails", 0x84, OCTETS),
)
FCP = tagged(
    ("fileDescriptor", 0x82, OCTETS),
    ("fileID", 0x83, OCTETS),
    ("dfName", 0x84, OCTETS),
    ("lcsi", 0x8A, OCTETS),
    ("securityAttributesReferenced", 0x8B, OCTETS),
    ("efFileSize", 0x80, OCTETS),
    ("pinStatusTemplateDO", 0xC6, OCTETS),
    ("shortEFID", 0x88, OCTETS),
    ("proprietaryEFInfo", 0xA5, PROPRIETARY),
    ("linkPath", 0xC7, OCTETS),
)
FILE = choices(("doNotCreate", NULL), ("fileDescriptor", FCP), ("fillFileOffset", INTEGER), ("fillFileContent", HIDDEN))

_FILE_MANAGEMENT = Group(
    tagged(
        ("filePath", 0x80, OCTETS),
        ("createFCP", _CREATE_FCP, FCP),
        ("fillFileOffset", _INTEGER, INTEGER),
        ("fillFileContent", 0x81, HIDDEN),
    ).fields,
    ordered=False,
)
GENERIC_FILES = sequence(
    ("gfm-header", PE_HEADER), ("fileManagementCMD", sequence_of("files", _SEQUENCE, _FILE_MANAGEMENT))
)

_PIN = sequence(
    ("keyReference", PIN_REFERENCE),
    ("pinValue", HIDDEN),
    ("unblockingPINReference", PUK_REFERENCE),
    ("pinAttributes", INTEGER),
    ("maxNumOfAttemps-retryNumLeft", INTEGER),
)
PIN_CODES = sequence(
    ("pin-Header", PE_HEADER),
    ("pinCodes", choices(("pinconfig", sequence_of("pin", _SEQUENCE, _PIN)), ("filePath", OCTETS))),
)
_PUK = sequence(("keyReference", PUK_REFERENCE), ("pukValue", HIDDEN), ("maxNumOfAttemps-retryNumLeft", INTEGER))
PUK_CODES = sequence(("puk-Header", PE_HEADER), ("pukCodes", sequence_of("puk", _SEQUENCE, _PUK)))

_MAPPING = sequence(("mappingOptions", OCTETS), ("mappingSource", OCTETS))
_ALGORITHM = sequence(
    ("algorithmID", Primitive(Kind.INTEGER, words=ALGORITHMS)),
    ("algorithmOptions", OCTETS),
    ("key", HIDDEN),
    ("opc", HIDDEN),
    ("rotationConstants", HIDDEN),
    ("xoringConstants", HIDDEN),
    ("authCounterMax", OCTETS),
    ("numberOfKeccak", INTEGER),
)
IND_BITS, _SEQ_BYTES = 5, 6


def sequence_number(seq: int) -> Node:
    """Return one initial value of SEQ, without IND."""
    return Node("sqn", _OCTETS, OCTETS, seq.to_bytes(_SEQ_BYTES, "big"))


AKA = sequence(
    ("aka-header", PE_HEADER),
    ("algoConfiguration", choices(("mappingParameter", _MAPPING), ("algoParameter", _ALGORITHM))),
    ("sqnOptions", OCTETS),
    ("sqnDelta", OCTETS),
    ("sqnAgeLimit", OCTETS),
    ("sqnInit", sequence_of("sqn", _OCTETS, OCTETS)),
)
CDMA = sequence(
    ("cdma-header", PE_HEADER),
    ("authenticationKey", HIDDEN),
    ("ssd", HIDDEN),
    ("hrpdAccessAuthenticationData", HIDDEN),
    ("simpleIPAuthenticationData", HIDDEN),
    ("mobileIPAuthenticationData", HIDDEN),
)

_SYSTEM_PARAMETERS = tagged(
    ("volatileMemoryQuotaC7", 0xC7, OCTETS),
    ("nonVolatileMemoryQuotaC8", 0xC8, OCTETS),
    ("globalServiceParameters", 0xCB, OCTETS),
    ("implicitSelectionParameter", 0xCF, OCTETS),
    ("volatileReservedMemory", 0xD7, OCTETS),
    ("nonVolatileReservedMemory", 0xD8, OCTETS),
    ("ts102226SIMFileAccessToolkitParameter", 0xCA, OCTETS),
    ("ts102226AdditionalContactlessParameters", 0xA0, sequence(("protocolParameterData", OCTETS))),
    ("contactlessProtocolParameters", 0xD9, OCTETS),
    ("userInteractionContactlessParameters", 0xDA, OCTETS),
    ("cumulativeGrantedVolatileMemory", 0x82, OCTETS),
    ("cumulativeGrantedNonVolatileMemory", 0x83, OCTETS),
)
_UICC_PARAMETERS = tagged(
    ("uiccToolkitApplicationSpecificParametersField", 0x80, OCTETS),
    ("uiccAccessApplicationSpecificParametersField", 0x81, OCTETS),
    ("uiccAdministrativeAccessApplicationSpecificParametersField", 0x82, OCTETS),
)
_INSTANCE = tagged(
    ("applicationLoadPackageAID", _AID, OCTETS),
    ("classAID", _AID, OCTETS),
    ("instanceAID", _AID, OCTETS),
    ("extraditeSecurityDomainAID", _AID, OCTETS),
    ("applicationPrivileges", 0x82, OCTETS),
    ("lifeCycleState", 0x83, OCTETS),
    ("applicationSpecificParametersC9", 0xC9, HIDDEN),
    ("systemSpecificParameters", 0xEF, _SYSTEM_PARAMETERS),
    ("applicationParameters", 0xEA, _UICC_PARAMETERS),
    ("processData", _SEQUENCE, sequence_of("data", _OCTETS, HIDDEN)),
    ("controlReferenceTemplate", 0xB0, tagged(("applicationProviderIdentifier", _PROVIDER, OCTETS))),
)
_KEY_COMPONENT = tagged(("keyType", 0x80, OCTETS), ("keyData", 0x86, HIDDEN), ("macLength", 0x87, INTEGER))
_KEY = tagged(
    ("keyUsageQualifier", 0x95, OCTETS),
    ("keyAccess", 0x96, OCTETS),
    ("keyIdentifier", 0x82, OCTETS),
    ("keyVersionNumber", 0x83, OCTETS),
    ("keyCounterValue", 0x85, OCTETS),
    ("keyComponents", _SEQUENCE, sequence_of("component", _SEQUENCE, _KEY_COMPONENT)),
)
SECURITY_DOMAIN = sequence(
    ("sd-Header", PE_HEADER),
    ("instance", _INSTANCE),
    ("keyList", sequence_of("key", _SEQUENCE, _KEY)),
    ("sdPersoData", sequence_of("data", _OCTETS, HIDDEN)),
    (
        "openPersoData",
        tagged(("restrictParameter", 0xD9, OCTETS), ("contactlessProtocolParameters", _OCTETS, OCTETS)),
    ),
    ("catTpParameters", sequence(("catTpMaxSduSize", INTEGER), ("catTpMaxPduSize", INTEGER))),
)
_LOAD_BLOCK = tagged(
    ("loadPackageAID", _AID, OCTETS),
    ("securityDomainAID", _AID, OCTETS),
    ("nonVolatileCodeLimitC6", 0xC6, OCTETS),
    ("volatileDataLimitC7", 0xC7, OCTETS),
    ("nonVolatileDataLimitC8", 0xC8, OCTETS),
    ("hashValue", 0xC1, OCTETS),
    ("loadBlockObject", 0xC4, HIDDEN),
)
APPLICATION = sequence(
    ("app-Header", PE_HEADER),
    ("loadBlock", _LOAD_BLOCK),
    ("instanceList", sequence_of("instance", _SEQUENCE, _INSTANCE)),
)
_ADF_RFM_ACCESS = sequence(("adfAID", OCTETS), ("adfAccessDomain", OCTETS), ("adfAdminAccessDomain", OCTETS))
RFM = tagged(
    ("rfm-header", 0xA0, PE_HEADER),
    ("instanceAID", _AID, OCTETS),
    ("securityDomainAID", _AID, OCTETS),
    ("tarList", 0xA0, sequence_of("tar", _OCTETS, OCTETS)),
    ("minimumSecurityLevel", 0x81, OCTETS),
    ("uiccAccessDomain", _OCTETS, OCTETS),
    ("uiccAdminAccessDomain", _OCTETS, OCTETS),
    ("adfRFMAccess", _SEQUENCE, _ADF_RFM_ACCESS),
)
NON_STANDARD = sequence(("nonStandard-header", PE_HEADER), ("issuerID", OID), ("content", HIDDEN))
_EMPTY = sequence()


def _files(element: str) -> Group:
    """Return the element that fills one template: header, template, one component a file."""
    prefix, names = FILE_LISTS[element]
    return sequence((f"{prefix}-header", PE_HEADER), ("templateID", OID), *((name, FILE) for name in names))


ELEMENTS = choices(
    ("header", HEADER),
    ("genericFileManagement", GENERIC_FILES),
    ("pinCodes", PIN_CODES),
    ("pukCodes", PUK_CODES),
    ("akaParameter", AKA),
    ("cdmaParameter", CDMA),
    ("securityDomain", SECURITY_DOMAIN),
    ("rfm", RFM),
    ("application", APPLICATION),
    ("nonStandard", NON_STANDARD),
    ("end", sequence(("end-header", PE_HEADER))),
    *((f"rfu{number}", _EMPTY) for number in range(1, 6)),
    *((element, _files(element)) for element in FILE_LISTS),
)
"""ProfileElement: what a package is a row of."""
