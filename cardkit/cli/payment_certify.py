"""``cardkit payment certify``: a domestic payment system certifies an issuer's key, as files a profile names."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click

from cardkit.apps.emv.capk import CapkStore, CaPublicKey, build_capk
from cardkit.apps.emv.oda.certificate import Certificate, SignedKey
from cardkit.apps.emv.oda.create import Subject, create_issuer_certificate
from cardkit.apps.emv.oda.recover import recover_issuer
from cardkit.cli import options
from cardkit.cli.hexadecimal import from_hex
from cardkit.cli.keys_option import keystore
from cardkit.cli.render import facts, print_json
from cardkit.crypto import KeyStore
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_INDEX, _CERTIFICATE, _REMAINDER, _EXPONENT = 0x8F, 0x90, 0x92, 0x9F32
_LINE = 100


@click.command("certify")
@click.option("--authority", required=True, metavar="REF", help="The payment system's key; usage emv-sign.")
@click.option("--issuer", required=True, metavar="REF", help="The issuer's key; usage emv-sign.")
@click.option("--rid", required=True, metavar="HEX", help="Registered application provider, 5 bytes.")
@click.option("--index", required=True, metavar="HEX", help="Of the payment system's key, 1 byte.")
@click.option("--iin", required=True, metavar="DIGITS", help="3 to 8 leading digits of the issuer's PANs.")
@click.option(
    "--expires",
    required=True,
    metavar="YYYY-MM",
    type=click.DateTime(["%Y-%m"]),
    help="Last month the certificate is good for.",
)
@click.option("--serial", required=True, metavar="HEX", help="Of the certificate, 3 bytes.")
@click.option(
    "--folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Where the two files go: issuer-certificate.hex and authorities.capk.",
)
@options.as_json
@keystore  # fmt: skip
def certify(
    keystore: KeyStore,
    authority: str,
    issuer: str,
    rid: str,
    index: str,
    iin: str,
    expires: datetime,
    serial: str,
    folder: Path,
    as_json: bool,
) -> None:
    """Certify an issuer's public key with a payment system's, both in the key store; a profile names the files made.

    \b
    cardkit keys generate scheme:ca --store FILE --algorithm RSA-1984 --usage emv-sign --by ann
    cardkit keys generate bank:issuer --store FILE --algorithm RSA-1408 --usage emv-sign --by ann
    cardkit payment certify --keys file:FILE --authority scheme:ca --issuer bank:issuer --rid F0434B4954 \\
        --index 01 --iin 999999 --expires 2034-12 --serial 000001 --folder profiles/payment/mine
    """
    ca = CaPublicKey(from_hex(rid), _one_byte(index), keystore.emv_public(authority), test=keystore.kind == "TEST")
    subject = Subject(iin, keystore.emv_public(issuer), expires.date(), from_hex(serial))
    signed = create_issuer_certificate(keystore, authority, subject)
    certificate = recover_issuer(ca.key, signed, pan=iin).checked()
    files = {"issuer-certificate.hex": _hex_lines(ca, signed), "authorities.capk": build_capk(CapkStore([ca]))}
    _write(folder, files)
    document = _document(ca, certificate) | {"files": [str(folder / name) for name in files]}
    if as_json:
        print_json(document)
    else:
        facts((name.replace("_", " "), ", ".join(v) if isinstance(v, list) else v) for name, v in document.items())


def _hex_lines(ca: CaPublicKey, signed: SignedKey) -> str:
    """Return index, certificate, remainder and exponent as preparation reads them."""
    objects = {_INDEX: bytes((ca.index,)), _CERTIFICATE: signed.certificate, _REMAINDER: signed.remainder}
    data = b"".join(tlv.build(tag, value) for tag, value in {**objects, _EXPONENT: signed.exponent}.items() if value)
    return "\n".join(textwrap.wrap(data.hex().upper(), _LINE)) + "\n"


def _document(ca: CaPublicKey, certificate: Certificate) -> dict[str, object]:
    return {
        "authority": ca.name,
        "authority_bits": ca.key.bits,
        "checksum": ca.checksum.hex().upper(),
        "issuer_bits": certificate.key.bits,
        "issuer_identifier": certificate.identity,
        "serial": certificate.serial.hex().upper(),
        "last_day": certificate.last_day.isoformat(),
    }


def _one_byte(text: str) -> int:
    value = from_hex(text)
    if len(value) != 1:
        raise EncodingError(f"index of {len(value)} bytes, expected 1")
    return value[0]


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files where there are none; a certificate in use is not overwritten."""
    for name in files:
        if (folder / name).exists():
            raise EncodingError(f"{folder / name}: is there already, and is never overwritten")
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
