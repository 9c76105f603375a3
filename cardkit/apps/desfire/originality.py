"""The maker's signature of a card's UID, and the public keys it may be under (transport sheet 3.14)."""

from __future__ import annotations

from collections.abc import Iterable

from cardkit.crypto.originality import verifies

FURTHER = "further"
# Published by NXP, or recovered from signatures and matched; uncompressed points on secp224r1.
PUBLIC_KEYS = {
    "ntag424": "048A9B380AF2EE1B98DC417FECC263F8449C7625CECE82D9B916C992DA"
    "209D68422B81EC20B65A66B5102A61596AF3379200599316A00A1410",
    "desfire-ev2": "04B304DC4C615F5326FE9383DDEC9AA892DF3A57FA7FFB3276192BC0EA"
    "A252ED45A865E3B093A3D0DCE5BE29E92F1392CE7DE321E3E5C52B3A",
    "desfire-ev3": "041DB46C145D0A36539C6544BD6D9B0AA62FF91EC48CBC6ABAE36E0089"
    "A46F0D08C8A715EA40A63313B92E90DDC1730230E0458A33276FB743",
    "desfire-ev2-xl": "04CD5D45E50B1502F0BA4656FF37669597E7E183251150F9574CC8DA56"
    "BF01C7ABE019E29FEA48F9CE22C3EA4029A765E1BC95A89543BAD1BC",
    "desfire-ev1": "04BB5D514F7050025C7D0F397310360EEC91EAF792E96FC7E0F496CB4E"
    "669D414F877B7B27901FE67C2E3B33CD39D1C797715189AC951C2ADD",
    "desfire-light": "040E98E117AAA36457F43173DC920A8757267F44CE4EC5ADD3C5407557"
    "1AEBBF7B942A9774A1D94AD02572427E5AE0A2DD36591B1FB34FCF3D",
    "plus-ev1": "044409ADC42F91A8394066BA83D872FB1D16803734E911170412DDF8BA"
    "D1A4DADFD0416291AFE1C748253925DA39A5F39A1C557FFACD34C62E",
    "plus-ev2": "04BB49AE4447E6B1B6D21C098C1538B594A11A4A1DBF3D5E673DEACDEB"
    "3CC512D1C08AFA1A2768CE20A200BACD2DC7804CD7523A0131ABF607",
}  # fmt: skip


def signed_by(uid: bytes, signature: bytes, further: Iterable[bytes] = ()) -> str:
    """Return whose key a signature is under: ``further``, a name of the list, or nothing.

    :param further: public keys besides those of the list, tried first; uncompressed points.
    """
    if any(verifies(key, uid, signature) for key in further):
        return FURTHER
    return next((name for name, text in PUBLIC_KEYS.items() if verifies(bytes.fromhex(text), uid, signature)), "")
