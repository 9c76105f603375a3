"""What a border reader found, as one document and as a page that needs nothing else; biometrics are never printed."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, StrictUndefined

from cardkit.apps.emrtd.biometrics import DATA_19794, Biometrics
from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.face import FaceRecord
from cardkit.apps.emrtd.face39794 import FaceBlock
from cardkit.apps.emrtd.groups import parse_dg1
from cardkit.apps.emrtd.images import Image, ImageKind
from cardkit.apps.emrtd.rules.table import CASES
from cardkit.apps.emrtd.terminal.reading import Reading
from cardkit.apps.pki.names import name_text
from cardkit.desired import Severity
from cardkit.errors import EncodingError

_MEDIA = {ImageKind.JPEG: "image/jpeg", ImageKind.JPEG2000: "image/jp2"}
_DAYS = frozenset(("full_date_of_birth", "date_of_issue"))
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Travel document</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; padding: 0 1em; max-width: 60em; color: #222 }
img { float: right; max-width: 14em; margin-left: 2em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { text-align: left; padding: .2em 1em .2em 0; vertical-align: top }
th { font-weight: 600 } .bad { color: #a00 } .open { color: #850 }
h2 { clear: both } td:first-child { white-space: nowrap } pre { font-size: 15px }
</style></head><body>
{% if face %}<img src="{{ face }}" alt="Face of the holder">{% endif %}
{% set class = {'bad': 'bad', 'not proven': 'open'}.get(shown.verdict, '') %}
<h1>Travel document: <span class="{{ class }}">{{ shown.verdict }}</span></h1>
{% if shown.reason %}<p class="{{ class }}">{{ shown.reason }}</p>{% endif %}
<p>Inspected {{ shown.at }}, {{ shown.reader }}</p>
<table>{% for name, value in shown.holder.items() %}<tr><th>{{ name.replace('_', ' ') }}</th><td>{{ value }}</td></tr>
{% endfor %}{% if shown.signer %}<tr><th>signer</th><td>{{ shown.signer }}</td></tr>{% endif %}</table>
{% if zone %}<pre>{{ zone }}</pre>{% endif %}
<h2>Protocols</h2>
<table><tr><th>protocol</th><th>result</th><th>with</th></tr>
{% for one in shown.steps %}<tr><td>{{ one.name }}</td><td>{{ one.mark }}</td><td>{{ one.text }}</td></tr>
{% endfor %}</table>
<h2>Findings</h2>
{% if shown.findings %}<table><tr><th>rule</th><th>severity</th><th>clause</th><th>where</th><th>expected</th>
<th>actual</th><th>test cases</th></tr>
{% for one in shown.findings %}<tr class="{{ 'bad' if one.severity in 'SE' else '' }}"><td>{{ one.rule }}</td>
<td>{{ one.severity }}</td><td>{{ one.clause }}</td><td>{{ one.where }}</td><td>{{ one.expected }}</td>
<td>{{ one.actual }}</td><td>{{ one.cases }}</td></tr>
{% endfor %}</table>{% else %}<p>No rule is broken.</p>{% endif %}
<h2>Files</h2>
<table><tr><th>file</th><th>bytes</th></tr>
{% for name, size in shown.files.items() %}<tr><td>{{ name }}</td><td>{{ size }}</td></tr>
{% endfor %}</table></body></html>
"""


def document(reading: Reading, today: date) -> dict[str, Any]:
    """Return a reading as plain values: the holder's data as printed on the document, no image, no template.

    :param today: of the inspection: from there centuries are told.
    """
    verdict = reading.verdict
    unproven = any(finding.not_checked for finding in reading.findings)
    return {
        "verdict": "bad" if not reading.genuine else "not proven" if unproven else "good",
        "reason": _reason(reading),
        "holder": _holder(reading, today),
        "signer": name_text(verdict.signer.subject) if verdict and verdict.signer else "",
        "steps": [{"name": step.name, "mark": step.mark.value, "text": step.text} for step in reading.steps],
        "files": {name: len(content) for name, content in reading.files.items()},
        "costs": {name: {"commands": cost.commands, "ms": cost.ms} for name, cost in reading.costs.items()},
        "refused": {name: f"{sw:04X}" for name, sw in reading.refused.items()},
        "findings": [
            {
                "rule": finding.rule,
                "severity": finding.severity.value,
                "clause": finding.clause,
                "where": finding.where,
                "expected": finding.expected,
                "actual": finding.actual,
                "cases": CASES.get(finding.rule, ""),
            }
            for finding in reading.findings
        ],
    }


def write_out(folder: Path, reading: Reading, shown: dict[str, Any]) -> None:
    """Write report.html, every file as it was read, and the evidence of active authentication.

    :param shown: of :func:`document`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    page = environment.from_string(_PAGE).render(shown=shown, face=_face(reading), zone=_zone(reading))
    (folder / "report.html").write_text(page, encoding="utf-8")
    for name, content in reading.files.items():
        (folder / f"{name.replace('/', '-')}.bin").write_bytes(content)
    if reading.evidence is not None:
        evidence = {
            "challenge": reading.evidence.challenge.hex().upper(),
            "signature": reading.evidence.signature.hex().upper(),
            "hash": reading.evidence.hash,
        }
        (folder / "active-authentication.json").write_bytes(msgspec.json.encode(evidence))


def _reason(reading: Reading) -> str:
    """Return the gravest finding in one line: an error, else what could not be checked, else a warning."""
    ranks = (
        (finding for finding in reading.findings if finding.bad),
        (finding for finding in reading.findings if finding.not_checked),
        (finding for finding in reading.findings if finding.severity is not Severity.INFO),
    )
    found = next(chain(*ranks), None)
    return f"{found.where}: {found.actual}; expected: {found.expected} ({found.rule})" if found else ""


def _holder(reading: Reading, today: date) -> dict[str, str]:
    """Return what DG1, DG11 and DG12 say, in words; days as ISO 8601 has them, where they are days."""
    found: dict[str, str] = {}
    try:
        mrz = parse_dg1(reading.files["EF.DG1"])
    except (KeyError, EncodingError):
        return found
    found["name"] = ", ".join(filter(None, mrz.names))
    found["document_number"] = mrz.document_number
    days = {"date_of_birth": mrz.date_of_birth(today), "date_of_expiry": mrz.date_of_expiry(today)}
    for name in ("document_code", "issuing_state", "nationality", "date_of_birth", "sex", "date_of_expiry"):
        day = days.get(name)
        found[name] = mrz.field(name).rstrip("<") if day is None else day.isoformat()
    for number in (11, 12):
        found.update(_details(number, reading.files.get(f"EF.DG{number}")))
    return found


def _details(number: int, content: bytes | None) -> dict[str, str]:
    try:
        values = Details.parse(number, content).values() if content else {}
    except EncodingError:
        return {}
    texts = {name: value if isinstance(value, str) else ", ".join(map(str, value)) for name, value in values.items()
             if not isinstance(value, bytes)}  # fmt: skip
    return {name: _day(text.strip()) if name in _DAYS else text.strip() for name, text in texts.items()}


def _day(text: str) -> str:
    """Return YYYYMMDD as ISO 8601 has it; anything else as it is."""
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        return text


def _zone(reading: Reading) -> str:
    try:
        return "\n".join(parse_dg1(reading.files["EF.DG1"]).lines)
    except (KeyError, EncodingError):
        return ""


def _face(reading: Reading) -> str:
    """Return the first face as a data URI; empty where there is none that a page can show."""
    try:
        template = Biometrics.parse(2, reading.files["EF.DG2"]).templates()[0]
        old = template.data_tag == DATA_19794
        face = FaceRecord.parse(template.data).faces[0].image if old else FaceBlock.parse(template.data).image
        image = Image.of(face)
    except (KeyError, IndexError, EncodingError):
        return ""
    return f"data:{_MEDIA[image.kind]};base64,{base64.b64encode(image.data).decode('ascii')}"
