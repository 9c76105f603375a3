"""The events of the audit, by kind: what each says happened. security.md L6"""

from __future__ import annotations

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    # people
    "LOGIN": "a person logged in",
    "LOGIN_FAILED": "a wrong name or password, or a locked account",
    "LOGOUT": "a person logged out",
    "ACCOUNT_ADD": "an account was made",
    "ACCOUNT_LOCK": "an account was locked, by an administrator or by six wrong passwords",
    "ACCOUNT_UNLOCK": "an account was unlocked",
    "PASSWORD_CHANGE": "an account got another password",
    "ROLE_CHANGE": "an account got other roles",
    "PROPOSE": "a content was put up for approval",
    "APPROVAL": "two persons approved exactly this content",
    "CEREMONY": "a key came into a key store by components",
    # orders and batches
    "ORDER_CREATE": "an order was made",
    "ORDER_CLOSE": "an order was closed",
    "FILE_REFUSED": "an order file was refused unread",
    "IMPORT": "an order file became a batch",
    "PREPARE": "records of a batch got their prepared values",
    "APPROVE": "a batch was approved",
    "OPEN": "a batch was opened",
    "HOLD": "a batch was held, by people or by a stop rule",
    "UNHOLD": "a held batch goes on",
    "DISPOSE": "somebody decided about quarantined rows",
    "OUTPUT": "an output file was written",
    "PRINT": "a printer's file was written",
    "EVIDENCE": "a signed evidence pack of a batch was written",
    "SAMPLE": "a sample of a batch was drawn",
    "SAMPLE_CARDS": "cards of a sample were looked at",
    "SAMPLE_VERDICT": "a lot was accepted or refused by its sample",
    "CLOSE": "a batch was closed with its counts",
    "PURGE": "the cells of a batch were emptied",
    "PURGE_DONE": "the key of a batch was destroyed",
    # stations
    "SESSION": "a station started",
    "KEYS": "a station opened the key store of its session",
    "SESSION_END": "a station ended in order",
    "DECLARED_DEAD": "a station that is silent was given up",
    "CLAIM": "records were leased",
    "RELEASE": "a leased record was given back",
    "BIND": "a record was bound to a chip",
    "GOOD": "a card is good",
    "REJECT": "a card was rejected",
    "BLANK_REJECT": "a card was rejected before it was bound",
    "DOUBT": "a card's outcome is unknown",
    "BIND_REPLAYED": "a journal brought back a bind that the store had forgotten",
    "LATE_VERDICT": "a journal told how a card in doubt had ended",
    "WRITE_OFF": "a journal was given up after a restore",
    "RECOVERED": "the store came from a backup",
    # people with cards
    "RESUME": "a card in doubt is worked on again",
    "RESOLVE": "a card in doubt was examined and judged",
    "SCRAP": "a card was destroyed before witnesses",
    "LOST": "a card is lost for ever",
    "REMAKE": "a scrapped card's record is made again",
    "RECALL": "a good card was found bad",
    "CANCEL": "a record is not made",
    # the audit itself
    "AUDIT_EXPORT": "the audit was exported",
    "AUDIT_KEY": "another key signs from now on",
    "CHECKPOINT_SEEN": "the office saw a checkpoint of a station",
    "CLOCK_STEP": "the clock went back",
}
