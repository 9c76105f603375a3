"""An issuer host that shares no code with the card: pyemv, an oracle of others; CCD from the sheet (payment.md 10)."""

import warnings

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from .issuance import CARD_KEYS, MASTER_KEYS, PAN, PSN, cmac, des3, pad

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    cvn = pytest.importorskip("pyemv.cvn")
    from pyemv import ac, kd, mac, sm

_CLASSES = {
    "vsdc10": "VisaCVN10", "vsdc18": "VisaCVN18", "vsdc22": "VisaCVN22", "mchip10": "MasterCardCVN16",
    "mchip11": "MasterCardCVN17", "mchip14": "MasterCardCVN20", "mchip15": "MasterCardCVN21",
}  # fmt: skip
_CVRS = {"vsdc10": slice(3, 7)} | dict.fromkeys(("mchip10", "mchip11", "mchip14", "mchip15"), slice(2, 8))
_WITH_COUNTERS = ("mchip11", "mchip15")
METHOD_1 = ("vsdc10", "mchip10", "mchip11", "mchip14", "mchip15")
_FIELDS = ("9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37")


class Host:
    """Verifies cryptograms of one version, answers them, writes scripts."""

    def __init__(self, name):
        self.name = name
        self.version = None
        if name in _CLASSES:
            self.version = getattr(cvn, _CLASSES[name])(*MASTER_KEYS[:3], PAN, PSN)

    def cryptogram(self, values, aip, fields):
        """What 9F26 must be."""
        sent = [bytes.fromhex(values[tag]) for tag in _FIELDS]
        iad = fields["9F10"]
        if self.version is None:
            return self._ccd(b"".join(sent) + aip + fields["9F36"] + iad, fields["9F36"])
        names = ("tag_9f02", "tag_9f03", "tag_9f1a", "tag_95", "tag_5f2a", "tag_9a", "tag_9c", "tag_9f37")
        rest = {"cvr": iad[_CVRS[self.name]]} if self.name in _CVRS else {"tag_9f10": iad}
        if self.name in _WITH_COUNTERS:
            rest["counters"] = iad[10:18]
        known = dict(zip(names, sent, strict=True))
        return self.version.generate_ac(**known, tag_82=aip, tag_9f36=fields["9F36"], **rest)

    def _ccd(self, data, atc):
        if self.name == "ccd6":
            return _cmac(_aes_session(CARD_KEYS[0], atc), data)
        key = kd.derive_common_sk(CARD_KEYS[0], atc + bytes(6))
        return mac.mac_iso9797_3(key[:8], key[8:], data, 2)

    def response(self, fields, *, approve=True, code=b"00", csu=None):
        """The value of tag 91, hex."""
        cryptogram, atc = fields["9F26"], fields["9F36"]
        if self.name in METHOD_1:
            with_atc = {"tag_9f36": atc} if self.name in ("mchip14", "mchip15") else {}
            return (self.version.generate_arpc(tag_9f26=cryptogram, arpc_rc=code, **with_atc) + code).hex().upper()
        update = csu or bytes.fromhex("00820000" if approve else "00020000")
        if self.version is not None:
            arpc = self.version.generate_arpc(tag_9f26=cryptogram, tag_9f36=atc, csu=update)
        elif self.name == "ccd6":
            arpc = _cmac(_aes_session(CARD_KEYS[0], atc), cryptogram + update)[:4]
        else:
            arpc = ac.generate_arpc_2(kd.derive_common_sk(CARD_KEYS[0], atc + bytes(6)), cryptogram, update)
        return (arpc + update).hex().upper()

    def script(self, header, fields, data=b""):
        """A script command with its MAC, hex.

        :param header: CLA INS P1 P2.
        """
        cryptogram, atc = fields["9F26"], fields["9F36"]
        head = bytes.fromhex(header) + bytes((len(data) + 8,))
        if self.version is None:
            message = head + atc + cryptogram + data
            if self.name == "ccd6":
                code = _cmac(_aes_session(CARD_KEYS[1], cryptogram), message)
            else:
                code = sm.generate_command_mac(kd.derive_common_sk(CARD_KEYS[1], cryptogram), message)
        else:
            code = self.version.generate_command_mac(head, tag_9f26=cryptogram, tag_9f36=atc, command_data=data)
        return (head + data + code).hex().upper()

    def change_pin(self, pin, fields, current=None):
        """PIN CHANGE, hex."""
        cryptogram, atc = fields["9F26"], fields["9F36"]
        if self.version is None:
            block = bytes.fromhex(f"24{pin}".ljust(16, "F"))
            if self.name == "ccd6":
                key = _aes_session(CARD_KEYS[2], cryptogram)
                data = Cipher(AES(key), modes.CBC(bytes(16))).encryptor().update(pad(block, 16))
            else:
                data = des3(kd.derive_common_sk(CARD_KEYS[2], cryptogram), pad(block), modes.CBC(bytes(8)))
            return self.script("84240002", fields, data)
        known = {"current_pin": current} if current else {}
        return self.version.generate_pin_change_command(pin, tag_9f26=cryptogram, tag_9f36=atc, **known).hex().upper()


def _aes_session(master, diversification):
    return Cipher(AES(master), modes.ECB()).encryptor().update(diversification.ljust(16, b"\x00"))


def _cmac(key, data):
    return cmac(key, data)[:8]
