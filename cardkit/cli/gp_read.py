"""``cardkit gp info``, ``list`` and ``tree``: what a GlobalPlatform card tells, without and with a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from cardkit.apps.gp import words as gp_words
from cardkit.apps.gp.aids import aid_name
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.dump import VALUES, read_domain
from cardkit.apps.gp.registry import Node, read_registry
from cardkit.apps.gp.tags import StatusEntry
from cardkit.cli import options
from cardkit.cli.card import identity, today
from cardkit.cli.gp_session import Access, domain_option, opened_domain, session_options
from cardkit.cli.render import facts, print_json, table
from cardkit.target import open_card


@click.command()
@options.reader
@domain_option
@options.as_json
def info(reader: str, aid: bytes | None, as_json: bool) -> None:
    """Say what a security domain tells without a session: no key is used, no try is spent."""
    with open_card(reader) as card:
        head = identity(card)
        document = {**head, **read_domain(SecurityDomain.select(card.channel, aid), today())}
    if as_json:
        print_json(document)
    else:
        _show_info(document)


def _show_info(document: gp_words.Document) -> None:
    recognition = document.get("recognition", {})
    facts([*_head_lines(document), *_recognition_lines(recognition), *_number_lines(document)])
    if keys := document.get("keys"):
        click.echo()
        table(["KVN", "KID", "key", "usage", "access"], [list(key.values()) for key in keys])
    if capabilities := document.get("capabilities"):
        click.echo()
        table(["capability", ""], gp_words.capability_lines(capabilities))
    if cplc := document.get("cplc"):
        click.echo()
        rows = [(gp_words.words(name), item["hex"], item.get("means", "")) for name, item in cplc.items()]
        table(["production data", "hex", "meaning"], rows)
    for text in (*document["findings"], *recognition.get("findings", ()), *_nested(document)):
        click.echo(f"note: {text}")
    for name, text in document["troubles"].items():
        click.echo(f"{gp_words.words(name)}: {text}")


def _head_lines(document: gp_words.Document) -> list[tuple[str, object]]:
    aid = document.get("domain", "")
    name = aid_name(bytes.fromhex(aid))
    rows: list[tuple[str, object]] = [(key, document[key] or "not known") for key in ("reader", "protocol", "chip")]
    rows.append(("domain", f"{aid} ({name})" if name else aid or "does not say its AID"))
    if document["card_locked"]:
        rows.append(("state", "CARD_LOCKED"))
    return rows


def _recognition_lines(data: gp_words.Document) -> list[tuple[str, object]]:
    if not data:
        return []
    rows = [
        ("GlobalPlatform", data["version"]),
        ("secure channels", ", ".join(data["protocols"])),
        ("configuration", data["configuration"]),
        ("chip details", data["chip"]),
    ]
    return [(name, value) for name, value in rows if value]


def _number_lines(document: gp_words.Document) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [(gp_words.words(name), document[name]) for name in VALUES if name in document]
    if memory := document.get("memory"):
        rows.append(("room", f"{memory['free_nvm']} bytes, {memory['free_ram']} bytes of RAM"))
    if applications := document.get("applications"):
        rows.append(("applications", ", ".join(applications)))
    return rows


def _nested(document: gp_words.Document) -> list[str]:
    findings: list[str] = document.get("capabilities", {}).get("findings", [])
    return findings


@click.command("list")
@options.reader
@session_options
@options.as_json
def listing(reader: str, access: Access, as_json: bool) -> None:
    """List domains, applications and load files with their states and privileges."""
    with opened_domain(reader, access) as domain:
        entries = read_registry(domain).entries
    if as_json:
        print_json(list(map(gp_words.entry_document, entries)))
        return
    table(["kind", "AID", "name", "state", "from", "domain", "privileges"], map(_row, entries))


def _row(entry: StatusEntry) -> tuple[str, ...]:
    return (
        str(entry.kind),
        entry.aid.hex().upper(),
        _own_name(entry),
        entry.state,
        gp_words.upper_hex(entry.load_file) or gp_words.version_text(entry.version) or "",
        gp_words.upper_hex(entry.domain) or "",
        ", ".join(gp_words.privilege_words(entry.privileges)),
    )


def _own_name(entry: StatusEntry) -> str:
    """Whose AID an entry has, where that says more than what it is."""
    name = aid_name(entry.aid)
    return "" if name == str(entry.kind) else name


@click.command()
@options.reader
@session_options
@options.as_json
def tree(reader: str, access: Access, as_json: bool) -> None:
    """Show the security domains, the applications below each, and load files with their modules."""
    with opened_domain(reader, access) as domain:
        nodes = read_registry(domain).tree()
    if as_json:
        print_json(list(map(_node_document, nodes)))
        return
    for line in _node_lines(nodes):
        click.echo(line)


def _node_document(node: Node) -> gp_words.Document:
    return {**gp_words.entry_document(node.entry), "children": list(map(_node_document, node.children))}


def _node_lines(nodes: Iterable[Node], depth: int = 0) -> Iterator[str]:
    indent = "  " * depth
    for node in nodes:
        entry = node.entry
        about = " ".join(filter(None, (gp_words.version_text(entry.version), _own_name(entry))))
        yield f"{indent}{entry.aid.hex().upper()}  {entry.kind}{f' ({about})' if about else ''}: {entry.state}"
        yield from (f"{indent}    {line}" for line in _detail_lines(entry))
        yield from _node_lines(node.children, depth + 1)


def _detail_lines(entry: StatusEntry) -> Iterator[str]:
    if privileges := gp_words.privilege_words(entry.privileges):
        yield f"may: {', '.join(privileges)}"
    if entry.load_file:
        yield f"from {entry.load_file.hex().upper()}"
    for value in entry.implicit_selections:
        yield f"selected by itself: {gp_words.selection_words(value)}"
    for module in entry.modules:
        yield f"module {module.hex().upper()}"
    for item in entry.unknown:
        yield f"tag {item.tag:02X}: {item.value.hex().upper()}"
