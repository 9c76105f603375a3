"""Asking a card: settings, versions, contents, and what it must refuse."""

from __future__ import annotations

from collections.abc import Callable

from cardkit.apps.desfire.commands import Op
from cardkit.apps.desfire.settings import RecordBody
from cardkit.apps.desfire.states.bench import Bench
from cardkit.apps.desfire.states.steps import CARD, CARD_SETTINGS, UID, file_bytes
from cardkit.channel import Channel
from cardkit.channel.native import NativeChannel
from cardkit.crypto.secret import joined
from cardkit.desired import Step
from cardkit.errors import ProtocolError
from cardkit.secure.desfire import READ_SIGNATURE

_SUCCESS = 0x9000


class Looking:
    """Handlers of commands that change nothing, by command byte."""

    def __init__(self, bench: Bench, channel: Channel, link: NativeChannel) -> None:
        self._bench = bench
        self._channel = channel
        self._link = link
        self.handlers: dict[int, Callable[[Step], None]] = {
            Op.GET_VERSION: self._version,
            Op.FREE_MEMORY: self._memory,
            READ_SIGNATURE: self._signature,
            Op.GET_APPLICATION_IDS: self._applications,
            Op.GET_KEY_VERSION: self._key_version,
            Op.GET_KEY_SETTINGS: self._key_settings,
            Op.GET_CARD_UID: self._card_uid,
            Op.GET_FILE_IDS: self._files,
            Op.GET_ISO_FILE_IDS: self._iso_files,
            Op.GET_FILE_SETTINGS: self._file_settings,
            Op.READ_DATA: self._read_data,
            Op.READ_RECORDS: self._read_records,
            Op.GET_VALUE: self._read_value,
        }

    def reader_uid(self, step: Step) -> None:
        """Ask the reader for the UID.  :raises ProtocolError: where it has none to tell."""
        response = self._channel.send(step.command)
        if response.sw != _SUCCESS or not response.data:
            raise ProtocolError(f"UID: the reader answers {response.sw:04X}, expected 9000: no contactless card")
        self._bench.notes.told = response.data

    def refused(self, step: Step) -> None:
        """Send what must be refused."""
        status, _ = self._link.step(step.command.ins, joined(step.command.data))
        self._bench.notes.answers[step.serves] = 0x9100 | status

    def _version(self, step: Step) -> None:  # noqa: ARG002 - every handler takes its step
        self._bench.notes.version = self._bench.client.version()

    def _memory(self, step: Step) -> None:  # noqa: ARG002
        self._bench.notes.memory = self._bench.client.free_memory()

    def _signature(self, step: Step) -> None:  # noqa: ARG002
        self._bench.notes.signature = self._bench.client.signature()

    def _applications(self, step: Step) -> None:  # noqa: ARG002
        self._bench.notes.applications = self._bench.client.applications()

    def _key_version(self, step: Step) -> None:
        number = joined(step.command.data)[0]
        self._bench.notes.versions[step.serves] = self._bench.client.key_version(number)

    def _key_settings(self, step: Step) -> None:
        place = CARD_SETTINGS if step.place == CARD else step.place
        self._bench.notes.key_settings[place] = self._bench.client.key_settings()

    def _card_uid(self, step: Step) -> None:  # noqa: ARG002
        found = self._bench.client.uid()
        self._bench.identified(found)
        self._bench.notes.uid = found
        self._bench.seen.bodies[UID] = found

    def _files(self, step: Step) -> None:
        self._bench.notes.files[step.place] = self._bench.client.files()

    def _iso_files(self, step: Step) -> None:
        self._bench.notes.iso_files[step.place] = self._bench.client.iso_files()

    def _file_settings(self, step: Step) -> None:
        number = self._bench.file(step.serves).number
        self._bench.notes.settings[step.serves] = self._bench.client.file_settings(number)

    def _assume(self, step: Step) -> int:
        """Work with the settings the card has shown, with the profile's before; return the file's number."""
        file = self._bench.file(step.serves)
        self._bench.client.assume(file.number, self._bench.notes.settings.get(step.serves, file.settings))
        return file.number

    def _read_data(self, step: Step) -> None:
        file = self._bench.file(step.serves)
        number = self._assume(step)
        self._bench.seen.bodies[step.serves] = self._bench.client.read(number, 0, file_bytes(file))

    def _read_records(self, step: Step) -> None:
        file = self._bench.file(step.serves)
        number = self._assume(step)
        records = self._bench.client.records(number)
        if not isinstance(file.settings.body, RecordBody) or not records:
            raise ProtocolError(f"{step.serves}: no records")
        self._bench.seen.bodies[step.serves] = b"".join(records)

    def _read_value(self, step: Step) -> None:
        value = self._bench.client.value(self._assume(step))
        self._bench.seen.bodies[step.serves] = value.to_bytes(4, "little", signed=True)
