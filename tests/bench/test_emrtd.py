"""How many travel documents one core prepares: zone, data groups, keys, security object (``make bench`` prints it)."""

from __future__ import annotations

import secrets
from time import process_time

from cardkit.perso import prepare
from cardkit.profile import load_profile, read_order

DOCUMENTS = 300
FAST = 200
"""Documents a second a core, with a document signer on P-256."""


def test_a_core_prepares_two_hundred_documents_a_second() -> None:
    profile = load_profile("id/emrtd-td3")
    keystore = profile.test_keystore()
    records = read_order(profile, profile.path.parent / "order.csv", keystore).records
    for record in records:
        prepare(profile, record, keystore, secrets.token_bytes)
    begin = process_time()
    for number in range(DOCUMENTS):
        prepare(profile, records[number % len(records)], keystore, secrets.token_bytes)
    rate = DOCUMENTS / (process_time() - begin)
    print(f"\n{rate:,.0f} travel documents a second a core")
    assert rate >= FAST
