"""One transport card in a reader: sends planned commands at the levels its files ask for, keeps what it saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NoReturn

from cardkit.apdu import CommandAPDU
from cardkit.apps.cipurse import commands
from cardkit.apps.cipurse.access import FileRules
from cardkit.apps.cipurse.attributes import DfAttributes
from cardkit.apps.cipurse.client import CipurseClient
from cardkit.apps.cipurse.commands import CipurseIns
from cardkit.apps.cipurse.states.contents import UID, bound
from cardkit.apps.cipurse.states.keys import DirectoryKey
from cardkit.apps.cipurse.states.misusing import Misuse
from cardkit.apps.cipurse.states.plan import FOUND, CipursePlan, uid
from cardkit.apps.cipurse.states.product import CipurseProduct, ProductDirectory, ProductFile
from cardkit.apps.cipurse.states.ring import KeyRing
from cardkit.apps.cipurse.states.sealing import last, rules_of, sealed
from cardkit.apps.cipurse.states.seen import NOTE, SeenTransit
from cardkit.apps.cipurse.states.standing import done_of_seal, unmet
from cardkit.apps.cipurse.states.visiting import DELIVERED, OWN, attributes, enter, select_file
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.iso7816.commands import Ins
from cardkit.channel import Channel
from cardkit.crypto import KeyStore
from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.secret import joined
from cardkit.desired import Challenge, Content, Fact, Observations, Part, Role, Step, Unmarked
from cardkit.errors import CardError, ProtocolError, StatusError
from cardkit.secure.cipurse import Pair


class TransitSession:
    """A powered card.

    :param keys: key store and source of random numbers; None where the card is only identified.
    """

    def __init__(
        self,
        product: CipurseProduct,
        plan: CipursePlan,
        contents: Mapping[str, Content],
        channel: Channel,
        keys: tuple[KeyStore, Challenge] | None = None,
    ) -> None:
        self._product = product
        self._plan = plan
        self._contents = contents
        self._client = CipurseClient(channel, product.syntax)
        self._ring = KeyRing(keys, product.delivered)
        self._directories = {one.name: one for one in product.directories}
        self._lists = {one.name: one for one in product.lists}
        self._files = {name: file for one in product.directories for file in one.files for name in _names(file)}
        self._keys = {key.name: key for key in product.keys}
        self._place, self._file, self._challenge = "", "", b""
        self._master_sealed, self._replaced = False, set[str]()
        self._pieces: dict[str, dict[int, bytes]] = {}
        self._sent = 0
        self.current: Step | None = None
        self.seen = self._fresh()
        self._handlers: dict[Role, Callable[[Step], None]] = {
            Role.ENTER: self._enter,
            Role.SELECT: self._select,
            Role.QUERY: self._query,
            Role.READ: self._read,
            Role.PRESENT: self._present,
            Role.CREATE: self._create,
            Role.WRITE: self._write,
            Role.ACTIVATE: self._activate,
            Role.CHANGE: self._change,
            Role.GONE: self._refused,
        }

    @property
    def _notes(self) -> SeenTransit:
        notes: SeenTransit = self.seen.notes[NOTE]
        return notes

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order.

        :param strict: the first wrong answer raises; else it is kept, and what hangs on it is left out.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        notes = self._notes
        for step in steps:
            self.current = step
            if not strict and not self._can(step):
                continue
            self._sent += 1
            notes.commands = self._sent
            try:
                self._handlers[step.role](step)
            except CardError as error:
                if strict:
                    raise
                notes.troubles.setdefault(step.serves, str(error))
                if isinstance(error, StatusError):
                    self.seen.words.setdefault(step.serves, error.sw)

    def _can(self, step: Step) -> bool:
        """Whether the card is where a command belongs, in the session it needs."""
        if step.role is Role.ENTER or not step.place:
            return True
        here = step.place == self._place or step.role is Role.QUERY
        return here and (step.role is Role.PRESENT or step.access is None or self._client.key == step.access.reference)

    def restarted(self) -> None:
        """The card was reset: no session, nothing selected, and nothing seen before counts any more."""
        self._client.leave()
        self._place = self._file = ""
        self._pieces.clear()
        self.seen = self._fresh()

    def _fresh(self) -> Observations:
        return Observations(notes={NOTE: SeenTransit(self._ring.uid, kvvs=self._ring.kvvs, inputs=self._ring.inputs)})

    # Which card it is

    def own_keys(self) -> dict[str, CardKey]:
        """Return the keys that are derived from this card's UID, by name."""
        return self._ring.own_keys(self._product.keys)

    def identity(self) -> tuple[str, bytes | Unmarked | None]:
        """Return the card's UID, and how far it has got; finished once no key or rule of the MF is the delivered one.

        :raises CardError: when it is no such chip, or does not tell.
        """
        notes, product = self._notes, self._product
        root = notes.directories.get(product.master.name)
        info = self.seen.bodies.get(product.master.files[0].contents)
        first = next((notes.found.get(step.serves) for step in self._plan.identify if step.role is Role.QUERY), None)
        if not notes.uid or UID in notes.troubles or root is None or info is None or first is None:
            raise ProtocolError(f"no CIPURSE chip: {'; '.join(notes.troubles.values())}")
        if info != product.id_info.data:
            raise ProtocolError(f"EF.ID_INFO: {info.hex().upper()}, expected {product.id_info.data.hex().upper()}")
        return notes.uid.hex().upper(), self._progress(root, begun=first == FOUND)

    def _progress(self, root: DfAttributes, *, begun: bool) -> Unmarked | None:
        product = self._product
        delivered = bytes.fromhex(product.chip.kvv)
        left = [key for key in root.keys if key.kvv == delivered]
        if len(left) == len(root.keys) and root.security == product.master.opened:
            return Unmarked.BEGUN if begun else Unmarked.BLANK
        as_shall_be = [key.attribute for key in root.keys] == [key.attribute for key in product.master.keys]
        return None if not left and as_shall_be and root.security == product.master.final else Unmarked.BEGUN

    def number(self) -> str:
        """Return the card's UID.  :raises CardError: when the reader does not tell it."""
        return self._client.uid().hex().upper()

    def identities(self) -> dict[str, str]:
        """Return what no other card may have: the UID."""
        return {UID: self._notes.uid.hex().upper()} if self._notes.uid else {}

    def facts(self) -> tuple[Fact, ...]:
        """Return how much memory is left."""
        root = self._notes.directories.get(self._product.master.name)
        return (Fact("free memory", str(root.memory[1])),) if root is not None and root.memory is not None else ()

    # A card that was begun

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card, after a reset: names of the states that do not hold.

        :raises CardError: when an application is another than the product's: nobody can say what to do with it.
        """
        self.run((uid(), enter(self._product.master), self._root_attributes()), strict=True)
        self._look_for_own_keys()
        self.run(self._plan.parts[Part.CHECK], strict=False)
        return unmet(self._product, self.seen, self._expected)

    def seal_again(self) -> None:
        """Close the rules and replace the keys that are not as they shall be: attributes and check values say which.

        :raises CardError: when a key of the MF is neither the one delivered nor the card's own.
        """
        root, (info,) = self._product.master, self._product.master.files
        looks = (self._root_attributes(), select_file(info, root.name, None), attributes(info.name, root.name, None))
        self.run((enter(root), *looks), strict=True)
        self._look_for_own_keys()
        done = done_of_seal(self._product, self._notes)
        manager = OWN if self._product.master.manager.name in done else DELIVERED
        left = [name for name in last(self._product) if name not in done]
        self.run(sealed(self._product, left, manager), strict=True)

    def _look_for_own_keys(self) -> None:
        """Find out which keys of the MF are the card's own already."""
        root = self._product.master
        self._ring.compute(self._product.keys)
        pairs = zip(root.keys, self._notes.directories[root.name].keys, strict=False)
        self._replaced = {key.name for key, told in pairs if told.kvv == self._ring.kvvs[key.name]}

    def _root_attributes(self) -> Step:
        root = self._product.master.name
        return attributes(root, root, None)

    def mistreat(self) -> None:
        """Do to a sample what no card that leaves should bear: wrong keys, frames changed and sent twice.

        :raises CardError: when the card does not let itself be selected.
        """
        self._notes.misused = Misuse(self._product, self._client, self._ring, self._notes).answers()

    # Selecting

    def _enter(self, step: Step) -> None:
        self._place = self._file = ""
        self._client.leave()
        response = self._client.send(step.command)
        self._notes.found[step.serves] = response.sw
        if response.sw != FOUND:
            self._fail(step, response.sw)
        if step.serves in self._lists:
            self._notes.lists[step.serves] = response.data
        self._place = step.place

    def _select(self, step: Step) -> None:
        self._client.require(step.command, f"SELECT {step.serves}")
        self._file = step.serves

    def _query(self, step: Step) -> None:
        response = self._client.send(step.command)
        if response.sw not in step.sw:
            self._fail(step, response.sw)
        self._notes.found[step.serves] = response.sw
        if response.sw == FOUND:
            self._place, self._file = step.place, ""

    def _present(self, step: Step) -> None:
        if step.command.ins == Ins.GET_CHALLENGE:
            self._challenge = self._client.challenge()
            return
        challenge, self._challenge = self._challenge, b""
        key = self._keys[step.serves]
        if not challenge:
            raise ProtocolError(f"{key.name}: the card gave no challenge")
        which = OWN if key.name in self._replaced else step.content
        self._ring.authenticate(self._client, key, which, challenge, self._told(key))
        if step.content == OWN:
            self._notes.proven.add(key.name)

    def _told(self, key: DirectoryKey) -> bytes:
        """Return the check value the card last told of a key; empty where it told none."""
        found = self._notes.directories.get(key.place)
        return found.keys[key.number - 1].kvv if found is not None and key.number <= len(found.keys) else b""

    # Looking

    def _read(self, step: Step) -> None:
        if step.serves == UID:
            self._uid_read()
        elif step.command.ins != CipurseIns.READ_FILE_ATTRIBUTES:
            self._contents_read(step)
        elif step.serves in self._directories:
            self._directory_read(self._directories[step.serves])
        elif self._file != step.serves:
            raise ProtocolError(f"{step.serves}: it is not the current file, nobody knows whose attributes these are")
        else:
            self._notes.files[step.serves] = self._client.file(self._rules(step.serves))

    def _uid_read(self) -> None:
        uid = self._client.uid()
        if self._ring.uid and self._ring.uid != uid:
            raise ProtocolError(f"UID {uid.hex().upper()}, it was {self._ring.uid.hex().upper()} before")
        self._notes.uid = self._ring.uid = uid

    def _directory_read(self, directory: ProductDirectory) -> None:
        found = self._client.directory(self._rules(directory.name))
        self._notes.directories[directory.name] = found
        if directory is self._product.master:
            self._master_sealed = found.security == directory.final

    def _contents_read(self, step: Step) -> None:
        file = self._files[step.serves]
        found = self._client.require(step.command, step.serves, self._pair(step))
        self._file = file.name
        if step.span is None or step.content:
            self.seen.bodies[step.content or step.serves] = found
            return
        if len(found) != step.span[1]:
            raise ProtocolError(f"{step.serves}: {len(found)} bytes, {step.span[1]} were asked for")
        pieces = self._pieces.setdefault(step.serves, {})
        pieces[step.span[0]] = found
        if sum(map(len, pieces.values())) == file.size:
            self.seen.bodies[step.serves] = b"".join(pieces[place] for place in sorted(pieces))

    def _refused(self, step: Step) -> None:
        self._notes.answers[step.serves] = self._client.send(step.command, self._pair(step)).sw

    # Writing

    def _create(self, step: Step) -> None:
        product, name = self._product, step.serves
        if name in self._lists:
            command = commands.create_directory(product.syntax, self._lists[name].new)
        elif name in self._directories:
            command = self._application(self._directories[name])
        else:
            command = commands.create_file(product.syntax, self._files[name].created())
        self._client.require(command, f"CREATE FILE {name}", self._pair(step))
        if name in self._directories:
            self._client.leave()  # the card left it when it made the application

    def _application(self, app: ProductDirectory) -> CommandAPDU:
        assert app.new is not None
        kek = self._kek(app.kek)
        keys = [self._ring.loading(key, kek) for key in app.keys]
        return commands.create_directory(self._product.syntax, app.new, app.opened, keys, app.kek)

    def _kek(self, number: int) -> tuple[DirectoryKey, str] | None:
        if not number:
            return None
        key = self._product.master.keys[number - 1]
        return key, OWN if key.name in self._replaced else DELIVERED

    def _write(self, step: Step) -> None:
        if step.span is not None:
            start, size = step.span
            command = replace(step.command, data=self._expected(self._files[step.serves])[start : start + size])
            self._client.require(command, step.serves, self._pair(step))
            return
        one = self._directories.get(step.content) or self._files[step.content]
        command = commands.update_file_attributes(self._product.syntax, one.final)
        self._client.require(command, rules_of(step.content), self._pair(step))
        self._master_sealed = self._master_sealed or one is self._product.master

    def _activate(self, step: Step) -> None:
        performing = step.command.ins == CipurseIns.PERFORM_TRANSACTION
        what = "PERFORM TRANSACTION" if performing else f"ACTIVATE {step.serves}"
        self._client.require(step.command, what, self._pair(step))

    def _change(self, step: Step) -> None:
        key = self._keys[step.content]
        if step.command.ins == CipurseIns.UPDATE_KEY_ATTRIBUTES:
            self._client.require(step.command, f"attribute of {key.name}", self._pair(step))
            return
        command = commands.update_key(key.number, self._ring.loading(key, self._kek(step.command.p1)), step.command.p1)
        self._client.require(command, f"UPDATE KEY {key.name}", self._pair(step))
        self._replaced.add(key.name)

    # What is in force

    def _rules(self, name: str) -> FileRules:
        return self._plan.levels.rules(name, sealed=self._master_sealed)

    def _pair(self, step: Step) -> Pair:
        return self._plan.levels.pair(step, sealed=self._master_sealed)

    def _expected(self, file: ProductFile) -> bytes:
        return bound(file, joined(self._contents[file.contents]), self._notes.uid)

    @staticmethod
    def _fail(step: Step, sw: int) -> NoReturn:
        raise status_error(step.serves, sw, expected=" or ".join(f"{word:04X}" for word in step.sw))


def _names(file: ProductFile) -> tuple[str, str]:
    return file.name, file.contents
