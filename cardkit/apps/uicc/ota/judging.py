"""What a card's answer to a packet means: findings of the UICC rules (sheet 23, UICC-115 to 117)."""

from __future__ import annotations

from cardkit.apps.uicc.ota.rfm import Script
from cardkit.apps.uicc.ota.scripting import ScriptAnswer, read_answer
from cardkit.apps.uicc.rules.table import OVER_THE_AIR, TABLE
from cardkit.desired import Finding, Rule, Secrecy, Severity
from cardkit.errors import EncodingError
from cardkit.secure.por import ProofOfReceipt, Status
from cardkit.statuswords import meaning

KEYS_FIT, LEVEL_FITS, TAR_ANSWERS = (TABLE[rule] for rule in OVER_THE_AIR)
SCRIPT_DONE = Rule("OTA-001", Severity.ERROR, "TS 102 226 5", "every command of a script is executed")
ANSWER_PROVEN = Rule("OTA-002", Severity.WARNING, "TS 102 225 5.2", "the proof of receipt is proven by a key")
RULES = (KEYS_FIT, LEVEL_FITS, TAR_ANSWERS, SCRIPT_DONE, ANSWER_PROVEN)

_BY_STATUS: dict[int, Rule] = {
    Status.PROOF_WRONG: KEYS_FIT,
    Status.CIPHERING_ERROR: KEYS_FIT,
    Status.SECURITY_ERROR: KEYS_FIT,
    Status.COUNTER_LOW: LEVEL_FITS,
    Status.COUNTER_HIGH: LEVEL_FITS,
    Status.COUNTER_BLOCKED: LEVEL_FITS,
    Status.SECURITY_TOO_LOW: LEVEL_FITS,
    Status.TAR_UNKNOWN: TAR_ANSWERS,
}
_NOTHING_CAME = "not checked: no proof of receipt"


def judge(script: Script, receipt: ProofOfReceipt | None) -> list[Finding]:
    """Return what is wrong with the answer to a script; empty for a proven success.

    :param receipt: None where the card gave none, as it does for successes with "proof on error".
    """
    where = f"TAR {script.tar.hex().upper()}"
    if receipt is None:
        return [_said(SCRIPT_DONE, where, "a proof of receipt", _NOTHING_CAME)]
    if receipt.refused:
        return [_said(_BY_STATUS.get(receipt.status, SCRIPT_DONE), where, "status 00", f"status {receipt}")]
    found = [] if receipt.proven else [_said(ANSWER_PROVEN, where, "a checksum", f"status {receipt}")]
    return found + _script_findings(script, receipt, where)


def _script_findings(script: Script, receipt: ProofOfReceipt, where: str) -> list[Finding]:
    try:
        answer = read_answer(receipt.data, script.coding)
    except EncodingError as error:
        return [_said(SCRIPT_DONE, where, "an answer to the script", str(error))]
    expected = f"{len(script.commands)} commands executed"
    if answer.bad_format:
        return [
            _said(SCRIPT_DONE, where, expected, f"{answer.executed} executed, then bad format: {answer.bad_format}")
        ]
    if answer.failure is not None:
        return [_said(SCRIPT_DONE, where, expected, _failed(script, answer, answer.failure.sw))]
    if answer.executed != len(script.commands):
        return [_said(SCRIPT_DONE, where, expected, f"{answer.executed} executed")]
    return []


def _failed(script: Script, answer: ScriptAnswer, sw: int) -> str:
    """Return which command failed and how; the count takes in the one that failed."""
    if not 1 <= answer.executed <= len(script.commands):
        return f"{answer.executed} executed, then {sw:04X}"
    command = script.commands[answer.executed - 1]
    header = f"{command.cla:02X}{command.ins:02X}{command.p1:02X}{command.p2:02X}"
    return f"command {answer.executed} ({header}): {sw:04X}, {meaning(sw, command.ins, command.cla).text}"


def _said(rule: Rule, where: str, expected: str, actual: str) -> Finding:
    return rule.finding(where, expected, actual, secrecy=Secrecy.PUBLIC)
