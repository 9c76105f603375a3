"""What is done to a sample and to no card that leaves: commands changed and sent twice, credits with the wrong key.

What is written is what stands there already; the counter of a transaction MAC rises by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cardkit.apps.desfire import commands
from cardkit.apps.desfire.commands import Op
from cardkit.apps.desfire.settings import FREE, NEVER, FileType, ValueBody
from cardkit.apps.desfire.states.bench import Bench
from cardkit.apps.desfire.states.product import AppSpec, FileSpec, KeySpec
from cardkit.apps.desfire.status import AUTHENTICATION, INTEGRITY, PERMISSION
from cardkit.apps.desfire.transactions import TransactionInput
from cardkit.channel.native import NativeChannel
from cardkit.errors import CardError, StatusError
from cardkit.secure.desfire import OK, Mode, NativeCommand

CHANGED, REPLAYED, CREDITED, COMMITTED = "changed command", "replayed command", "credit with a debit key", "transaction"
_READER = bytes(16)


class Misuse:
    """Of one card.

    :param opens: opens a session with a key of the selected application.
    """

    def __init__(self, bench: Bench, link: NativeChannel, opens: Callable[[AppSpec, KeySpec], None]) -> None:
        self._bench = bench
        self._link = link
        self._opens = opens

    def answers(self) -> dict[tuple[str, str], str]:
        """Return what came of it by what was done and where: nothing where the card did right."""
        found: dict[tuple[str, str], str] = {}
        for app in self._bench.product.apps:
            for file in app.files:
                for what, act in self._acts(app, file):
                    self._bench.client.select(app.aid)
                    found[what, app.file_state(file.number)] = self._tried(act)
        return found

    @staticmethod
    def _tried(act: Callable[[], str]) -> str:
        try:
            return act()
        except CardError as error:
            return str(error)

    def _acts(self, app: AppSpec, file: FileSpec) -> Iterator[tuple[str, Callable[[], str]]]:
        settings = file.settings
        if settings.type is FileType.STANDARD and settings.mode is not Mode.PLAIN and file.initial and file.writers():
            yield CHANGED, lambda: self._changed(app, file)
            yield REPLAYED, lambda: self._replayed(app, file)
        if settings.type is FileType.VALUE and self._debit_keys(file):
            yield CREDITED, lambda: self._credited(app, file)
        if settings.type is FileType.TRANSACTION_MAC:
            yield COMMITTED, lambda: self._committed(app, file)

    # Protection of commands

    def _write(self, app: AppSpec, file: FileSpec) -> tuple[NativeCommand, bytes]:
        """Return the write of what stands there, and its protected form in a new session."""
        self._opens(app, app.keys[file.writers()[0]])
        content = self._bench.content(file, app.file_state(file.number))
        command = commands.write_data(file.number, 0, content[:1], file.settings.mode)
        return command, self._bench.client.protected(command)

    def _changed(self, app: AppSpec, file: FileSpec) -> str:
        command, sent = self._write(app, file)
        status, _ = self._link.send(command.op, sent[:-1] + bytes((sent[-1] ^ 1,)))
        return "" if status == INTEGRITY else f"91{status:02X}"

    def _replayed(self, app: AppSpec, file: FileSpec) -> str:
        command, sent = self._write(app, file)
        first, _ = self._link.send(command.op, sent)
        again, _ = self._link.send(command.op, sent)
        return "" if (first, again) == (OK, INTEGRITY) else f"91{first:02X}, then 91{again:02X}"

    # Value

    @staticmethod
    def _debit_keys(file: FileSpec) -> tuple[int, ...]:
        rights = file.settings.rights
        return tuple(sorted({right for right in (rights.read, rights.write) if right < FREE} - {rights.both}))

    def _credited(self, app: AppSpec, file: FileSpec) -> str:
        """Credit with each key that may debit; what a card takes is taken back at once."""
        client = self._bench.client
        for number in self._debit_keys(file):
            client.select(app.aid)
            self._opens(app, app.keys[number])
            try:
                client.send(commands.change_value(Op.CREDIT, file.number, 1, file.settings.mode), "Credit")
            except StatusError as error:
                if error.sw & 0xFF not in (PERMISSION, AUTHENTICATION):
                    return f"{error.sw:04X}"
                continue
            client.send(commands.inform(Op.ABORT, answer=0), "AbortTransaction")
            return f"key {number} credits"
        return ""

    def _committed(self, app: AppSpec, file: FileSpec) -> str:
        """Debit and credit the same amount, and check the MAC of the transaction."""
        values = [other for other in app.files if other.settings.type is FileType.VALUE]
        used = next((value for value in values if value.settings.rights.both < FREE), None)
        if used is None:
            return "no value file to try it with"
        client, collected = self._bench.client, TransactionInput()
        self._opens(app, app.keys[used.settings.rights.both])
        for command in self._there_and_back(app, used, reader=file.settings.rights.both != NEVER):
            collected.add(command, client.send(command, "transaction"))
        answer = client.send(commands.commit(with_mac=True), "CommitTransaction")
        collected.check(self._bench.keyring.own(file.mac_key()), self._bench.uid, answer)
        return ""

    def _there_and_back(self, app: AppSpec, file: FileSpec, *, reader: bool) -> Iterator[NativeCommand]:
        body, mode = file.settings.body, file.settings.mode
        value = int.from_bytes(self._bench.content(file, app.file_state(file.number)), "little", signed=True)
        full = isinstance(body, ValueBody) and value > body.lower
        for op in (Op.DEBIT, Op.CREDIT) if full else (Op.CREDIT, Op.DEBIT):
            yield commands.change_value(op, file.number, 1, mode)
        if reader:
            yield commands.commit_reader_id(_READER)
