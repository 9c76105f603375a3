"""The keys a store under contract holds, and plain functions to check what it does with them."""

import json
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from cardkit.crypto import Usage
from cardkit.crypto.cardkeys import parse_key_set

FOLDER = Path(__file__).parents[2] / "vectors"
GP_CRYPTO = {v["name"]: v for v in json.loads((FOLDER / "gp_crypto.json").read_text(encoding="utf-8"))}
GP_KEYS = {v["name"]: v for v in json.loads((FOLDER / "gp_keys.json").read_text(encoding="utf-8"))}
SECURITY = {v["name"]: v for v in json.loads((FOLDER / "security-keys.json").read_text(encoding="utf-8"))}
GP_KEY = bytes(range(0x40, 0x50))
EMV_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
KDD = bytes(range(10))
NEW_AES = bytes.fromhex("9A1C5F7703E2D4B86C21F0A97E3344D1")
NEW_DES = bytes.fromhex("0E9A7741E84385BE7AE4B5831ADE6F21")


def pkcs8(name):
    return (FOLDER / "keys" / f"{name}.der").read_bytes()


KEYS = {
    # reference: algorithm, usage, clear value
    "test:aes": ("AES-128", Usage.SECURE_CHANNEL, GP_KEY),
    "test:aes192": ("AES-192", Usage.SECURE_CHANNEL, bytes(range(0x40, 0x58))),
    "test:aes256": ("AES-256", Usage.SECURE_CHANNEL, bytes(range(0x40, 0x60))),
    "test:des": ("3DES-128", Usage.SECURE_CHANNEL, GP_KEY),
    "plant:kmc": ("3DES-128", Usage.MASTER_DERIVE, GP_KEY),
    "plant:kmc-aes": ("AES-128", Usage.MASTER_DERIVE, GP_KEY),
    "plant:kmc-aes256": ("AES-256", Usage.MASTER_DERIVE, bytes(range(0x40, 0x60))),
    "plant:new-aes": ("AES-128", Usage.CARD_KEY, NEW_AES),
    "plant:new-aes192": ("AES-192", Usage.CARD_KEY, NEW_AES + NEW_DES[:8]),
    "plant:new-aes256": ("AES-256", Usage.CARD_KEY, NEW_AES + NEW_DES),
    "plant:new-des": ("3DES-128", Usage.CARD_KEY, NEW_DES),
    "plant:imk-ac": ("3DES-128", Usage.IMK_AC, EMV_KEY),
    "plant:kek": ("AES-128", Usage.KEK, GP_KEY),
    "order:zmk": ("AES-128", Usage.TRANSPORT_IN, GP_KEY),
    "order:zmk-des": ("3DES-128", Usage.TRANSPORT_IN, GP_KEY),
    "order:out": ("AES-128", Usage.TRANSPORT_OUT, GP_KEY),
    "order:out-des": ("3DES-128", Usage.TRANSPORT_OUT, GP_KEY),
    "plant:marker": ("HMAC-256", Usage.DATA_MAC, bytes(range(32))),
    "plant:dup": ("HMAC-256", Usage.DUP_DIGEST, bytes(range(32))),
    "plant:receipt": ("AES-128", Usage.DATA_MAC, GP_KEY),
    "plant:dap-aes": ("AES-128", Usage.SIGN, GP_KEY),
    "plant:dap-des": ("3DES-128", Usage.SIGN, GP_KEY),
    "plant:dap-ec": ("EC-P256", Usage.SIGN, pkcs8("ec-p256")),
    "plant:dap-ec384": ("EC-BP384", Usage.SIGN, pkcs8("ec-bp384")),
    "plant:dap-rsa": ("RSA-2048", Usage.SIGN, pkcs8("rsa-2048")),
    "plant:dap-rsa1024": ("RSA-1024", Usage.SIGN, pkcs8("rsa-1024")),
    "plant:scp11": ("EC-P256", Usage.AGREE, pkcs8("ec-p256")),
    "plant:audit": ("EC-P256", Usage.AUDIT_SIGN, pkcs8("ec-p256")),
}
# Card secrets, which a card is shown in clear: a store that shows nothing holds none.
CODES = {"plant:adm": bytes.fromhex("9A1C5F7703E2D4B8"), "plant:pin": b"7"}


def clear(key):
    with key.reveal() as value:
        return bytes(value)


def aes_cbc(key, data):
    return Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor().update(data)


def aes_cbc_decrypt(key, data):
    return Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor().update(data)


def cmac(key, message):
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


def key_set(text, kdd=KDD):
    return parse_key_set(text).for_card(kdd)


POINT = (
    ec.derive_private_key(7, ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
)
WRAPPED = bytes.fromhex(SECURITY["wrap-rfc3394"]["out"]["wrapped"])
AES_SET = key_set("30=test:aes")
DES_SET = key_set("20=test:des")
