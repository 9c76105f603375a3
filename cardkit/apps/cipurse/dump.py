"""What a CIPURSE card shows to anybody, as plain data for ``cardkit info``, ``dump`` and ``transit``: no key is used.

Nobody can list a card's files; applications are found by their lists and by the beginnings of their AIDs, files by
their short identifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from cardkit.apps.cipurse import commands, words
from cardkit.apps.cipurse.access import DIRECTORY, FILE, FREE, VALUE, FileRules
from cardkit.apps.cipurse.attributes import DfAttributes, EfAttributes
from cardkit.apps.cipurse.client import OK, CipurseClient
from cardkit.apps.cipurse.idinfo import IdInfo
from cardkit.apps.cipurse.rules.card import parse_list
from cardkit.apps.cipurse.states.product import AUTO_SELECT, PROFILES, PXSE_AIDS, CipurseProduct
from cardkit.apps.eid import shown
from cardkit.apps.iso7816 import commands as iso
from cardkit.channel import Channel
from cardkit.errors import CardError, EncodingError, ProtocolError

PART, CLASS = "cipurse", "CIPURSE"

Document = dict[str, Any]
"""Plain values only: it goes to JSON as it is."""
_T0, _CONTACTLESS = b"\x3b", b"\x80\x01"
_BEGINNINGS = (b"\xa0", b"\xd2", b"\xf0")
"""First bytes of registered AIDs, international and national, and of those nobody registered."""
_MOST_APPLICATIONS = 16
_NOT_THERE, _NO_BINARY = 0x6A82, 0x6981
_HELD = ("data", "rows")
_PROTECTED = {"attributes": "not told"}


def look(channel: Channel, today: date) -> Document:  # noqa: ARG001 - there are no dates on such a card
    """Return the CIPURSE part of a dump.

    :raises CardError: when this is no CIPURSE card.  :raises TransportError: when the link fails.
    """
    if channel.atr[:1] != _T0 or channel.atr[2:4] != _CONTACTLESS:
        raise ProtocolError("no contactless card")
    client = CipurseClient(channel)
    info, alone = _entered(client)  # first: commands of class 80 are native frames for another family
    return _shown(client, info, alone=alone)


def look_inside(channel: Channel, home: bytes) -> Document:
    """Return the CIPURSE part of a dump of a card that is several, blank ones included: those have no list to enter by.

    :param home: AID its master file is entered by, as the chip's model says.  Errors as :func:`look`.
    """
    client = CipurseClient(channel)
    client.select_application(home)
    return _shown(client, client.id_info(), alone=False)


def _shown(client: CipurseClient, info: IdInfo, *, alone: bool) -> Document:
    """Return what the card shows.  :param alone: as of :func:`_found`."""
    client.select_mf()
    troubles: dict[str, str] = {}
    root = _read(troubles, "MF", lambda: client.directory(FileRules(FREE, DIRECTORY)))
    uid = _read(troubles, "UID", client.uid)
    found: Document = {
        "product": f"{info.maker}, profiles {' '.join(info.profiles)}",
        "uid": uid.hex().upper() if uid else "",
        "version": f"{info.version:04X}",
        "syntax": info.syntax.name,
        "modes": info.modes,
        "blank": False,
        "memory": root.memory[0] if root and root.memory else None,
        "free_memory": root.memory[1] if root and root.memory else None,
        "master_file": _directory(root) if root else None,
        "lists": {},
        "applications": {},
        "troubles": troubles,
    }
    for aid in _found(client, found["lists"], troubles, alone=alone):
        found["applications"][aid.hex().upper()] = _application(client, aid, troubles)
    client.select_mf()
    found["blank"] = root is not None and not found["lists"] and not found["applications"] and _delivered(root)
    return {"class": CLASS, PART: found}


def _delivered(root: DfAttributes) -> bool:
    """Whether a master file is as chip makers deliver it: all memory free, one key for all; plants make them differ."""
    total, free = root.memory or (0, 0)
    return total == free and len({key.kvv for key in root.keys}) == 1


def _entered(client: CipurseClient) -> tuple[IdInfo, bool]:
    """Return EF.ID_INFO, and whether the card is CIPURSE alone: on others a list of applications is the way in.

    :raises CardError: when there is no way in.
    """
    try:
        client.select_mf()
        return client.id_info(), True
    except CardError:
        if all(_selected(client, aid) is None for aid in PXSE_AIDS.values()):
            raise
    client.select_mf()
    return client.id_info(), False


def _found(client: CipurseClient, lists: Document, troubles: dict[str, str], *, alone: bool) -> list[bytes]:
    """Return the AIDs of all applications that can be found, and put what the lists say in their place.

    :param alone: whether the beginning of an AID is asked for, too: on a card of several kinds another would answer.
    """
    aids: dict[bytes, None] = {}
    for name, aid in PXSE_AIDS.items():
        response = _selected(client, aid)
        if response is not None:
            listed = _read(troubles, f"list {name}", lambda data=response: parse_list(data)[1])  # type: ignore[misc]
            lists[name] = [one.hex().upper() for one in listed or ()]
            aids |= dict.fromkeys(listed or ())
    return list(aids | dict.fromkeys(_named(client) if alone else ()))


def _read(troubles: dict[str, str], name: str, reader: Callable[[], Any]) -> Any:
    """Return what a reader finds; None where it cannot be read: that is a trouble."""
    try:
        return reader()
    except (CardError, EncodingError) as error:
        troubles[name] = str(error)
        return None


def _selected(client: CipurseClient, aid: bytes, p2: int = 0) -> bytes | None:
    """Select by AID and return control information; None where there is no such thing."""
    response = client.send(commands.select_application(aid, p2, iso.ANY_LENGTH))
    return response.data if response.sw == OK else None


def _named(client: CipurseClient) -> Iterator[bytes]:
    """Yield the AIDs of applications that begin as AIDs do; lists are not among them."""
    for beginning in _BEGINNINGS:
        client.select_mf()
        p2 = 0
        for _ in range(_MOST_APPLICATIONS):
            data = _selected(client, beginning, p2)
            if data is None:
                break
            try:
                aid = parse_list(data)[0]
            except EncodingError:
                break
            if aid and aid not in PXSE_AIDS.values():
                yield aid
            p2 = commands.NEXT


def _application(client: CipurseClient, aid: bytes, troubles: dict[str, str]) -> Document:
    title = aid.hex().upper()
    found: Document = {}
    if _selected(client, aid) is None:
        troubles[title] = "listed, and cannot be selected"
        return found | {"files": {}}
    own = _read(troubles, title, lambda: client.directory(FileRules(FREE, DIRECTORY)))
    if own is not None:
        found |= _directory(own)
    found["files"] = {}
    for sfid in range(1, 1 + iso.LARGEST_SFI):
        file = _file(client, sfid)
        if file is not None:
            found["files"][f"{sfid}"] = file
    return found


def _directory(told: DfAttributes) -> Document:
    letters = [letter for letter, bits in PROFILES.items() if told.kind & 0xE0 == bits]
    return {
        "fid": f"{told.fid:04X}",
        **({"profile": letters[0], "auto_select": bool(told.kind & AUTO_SELECT)} if letters else {}),
        "room": told.files,
        "keys": {f"{number}": words.key(key) for number, key in enumerate(told.keys, 1)},
        **words.rules(told.security, DIRECTORY),
    }


def _file(client: CipurseClient, sfid: int) -> Document | None:
    """Return a file; None where there is none."""
    first = client.send(iso.read_binary(0, 1, sfid))
    if first.sw == _NO_BINARY:
        first = client.send(iso.read_record(1, 1, sfid))
    if first.sw == _NOT_THERE:
        return None
    try:
        told = client.file(FileRules(FREE, FILE))
    except CardError:
        return dict(_PROTECTED)
    if told.sfid != sfid:
        return dict(_PROTECTED)  # of another file: this one did not become the current one
    found: Document = {
        "fid": f"{told.fid:04X}",
        "type": told.kind.name.lower().replace("_t", ", in transactions"),
        **({"size": told.size} if told.kind.binary else {"records": told.records, "record_size": told.record_size}),
        **words.rules(told.security, VALUE if told.kind.counting else FILE),
    }
    return found | (_contents(client, told) if first.sw == OK else {})


def _contents(client: CipurseClient, told: EfAttributes) -> Document:
    """Return what anybody may read."""
    if told.kind.binary:
        return {"data": client.read(FileRules(FREE, FILE), told.size, told.sfid).hex().upper()}
    numbers = range(1, 1 + told.records)
    read = [client.send(iso.read_record(number, told.record_size, told.sfid)) for number in numbers]
    return {"rows": [one.data.hex().upper() for one in read if one.sw == OK]}


def public(document: Mapping[str, Any]) -> Document:
    """Return a document that says what the card has and nothing of its holder: no contents."""
    part = dict(document[PART])
    part["applications"] = {aid: {**app, "files": _bare(app["files"])} for aid, app in part["applications"].items()}
    return {**document, PART: part}


def _bare(files: Mapping[str, Document]) -> Document:
    return {
        number: {name: value for name, value in file.items() if name not in _HELD} for number, file in files.items()
    }


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part as an indented tree, a line at a time."""
    part = document[PART]
    yield f"  {part['product']}, UID {part['uid'] or 'not told'}"
    shown_part = {name: value for name, value in part.items() if name not in ("product", "uid", "troubles")}
    yield from shown.tree(
        _joined({name: value for name, value in shown_part.items() if value not in (None, {}, [])}), 2
    )
    yield from (f"    ! {name}: {text}" for name, text in part["troubles"].items())


def _joined(value: Any) -> Any:
    """Return the same with lists as people write them."""
    if isinstance(value, dict):
        return {name.replace("_", " "): _joined(item) for name, item in value.items()}
    return ", ".join(value) if isinstance(value, list) else value


def places(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every comparable place and what stands there: ``CIPURSE applications D276.. files 1 size``."""
    part = {name: value for name, value in document[PART].items() if name != "troubles"}
    yield from shown.leaves(CLASS, part)


def varying(product: CipurseProduct) -> frozenset[str]:
    """Return the places in which good cards of a product differ: number, check values of keys, contents."""
    found = {f"{CLASS} uid"} | {f"{CLASS} master_file keys {key.number}" for key in product.master.keys}
    for app in product.applications:
        place = f"{CLASS} applications {app.aid.hex().upper()}"
        found |= {f"{place} keys {key.number}" for key in app.keys}
        found |= {f"{place} files {file.attributes.sfid} {name}" for file in app.files for name in _HELD}
    return frozenset(found)
