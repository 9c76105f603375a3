"""Changing a card: applications, files, contents, keys, settings."""

from __future__ import annotations

from collections.abc import Callable

from cardkit.apps.desfire import commands
from cardkit.apps.desfire.commands import Op
from cardkit.apps.desfire.settings import FileSettings, RecordBody
from cardkit.apps.desfire.states.bench import Bench
from cardkit.apps.desfire.states.plan import first_settings
from cardkit.apps.desfire.states.product import AppSpec, FileSpec, KeySetSpec
from cardkit.apps.desfire.states.routes import Route, route
from cardkit.apps.desfire.states.steps import CARD, CONFIGURATION, lent_settings
from cardkit.crypto.desfire import DesfireKey
from cardkit.crypto.secret import joined
from cardkit.desired import Step
from cardkit.secure.desfire import CHANGE_KEY, CHANGE_KEY_EV2, KeyChange

_AES_TYPE = 0x80
_CREATING = (Op.CREATE_STANDARD, Op.CREATE_BACKUP, Op.CREATE_VALUE, Op.CREATE_LINEAR, Op.CREATE_CYCLIC)


class Writing:
    """Handlers of commands that change a card, by command byte."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._routes: dict[str, Route] = {app.title: route(app) for app in bench.product.apps}
        self.handlers: dict[int, Callable[[Step], None]] = {
            Op.CREATE_APPLICATION: self._create_application,
            Op.CREATE_TRANSACTION_MAC: self._create_transaction_mac,
            Op.WRITE_DATA: self._write,
            Op.WRITE_RECORD: self._write,
            Op.COMMIT: self._commit,
            Op.CHANGE_FILE_SETTINGS: self._change_file_settings,
            CHANGE_KEY: self._change_key,
            CHANGE_KEY_EV2: self._change_key_of_set,
            Op.INITIALIZE_KEY_SET: self._initialize_key_set,
            Op.FINALIZE_KEY_SET: self._finalize_key_set,
            Op.CHANGE_KEY_SETTINGS: self._change_key_settings,
            Op.SET_CONFIGURATION: self._configure,
            Op.FORMAT: self._format,
            **dict.fromkeys(_CREATING, self._create_file),
        }

    def _create_application(self, step: Step) -> None:
        app = self._bench.app(step)
        command = commands.create_application(app.aid, first_settings(app), app.second_bytes, app.iso_fid, app.df_name)
        self._bench.client.send(command, f"application {app.title}")

    def _begins(self, app: AppSpec, file: FileSpec) -> FileSettings:
        return lent_settings(file) if self._routes[app.title].lends(file) else file.settings

    def _create_file(self, step: Step) -> None:
        app, file = self._bench.app(step), self._bench.file(step.serves)
        settings = self._begins(app, file)
        value = 0
        if file.op is Op.CREATE_VALUE:
            value = int.from_bytes(self._bench.content(file, step.serves), "little", signed=True)
        command = commands.create_file(file.op, file.number, settings, iso_fid=file.iso_fid, value=value)
        self._bench.client.send(command, step.serves)

    def _create_transaction_mac(self, step: Step) -> None:
        file = self._bench.file(step.serves)
        settings = file.settings
        key = self._bench.keyring.own(file.mac_key())
        option = settings.body.build()[0]
        command = commands.create_transaction_mac(file.number, settings.options, settings.rights, option, key)
        self._bench.client.send(command, step.serves)

    def _write(self, step: Step) -> None:
        app, file = self._bench.app(step), self._bench.file(step.serves)
        client, content = self._bench.client, self._bench.content(file, step.serves)
        client.assume(file.number, self._begins(app, file))
        if isinstance(file.settings.body, RecordBody):
            client.write_record(file.number, content)
        else:
            client.write(file.number, 0, content)

    def _commit(self, step: Step) -> None:  # noqa: ARG002 - every handler takes its step
        self._bench.client.commit()

    def _change_file_settings(self, step: Step) -> None:
        app, file = self._bench.app(step), self._bench.file(step.serves)
        self._bench.client.assume(file.number, self._begins(app, file))
        self._bench.client.change_file_settings(file.number, file.settings)

    def _change_key(self, step: Step) -> None:
        """Set a key: the session's own, or another, which is zeros until then."""
        key = self._bench.key(step.serves)
        new = self._bench.keyring.own(key)
        on_card = step.place == CARD
        old = None if on_card or key.number == 0 else DesfireKey.zero(key.kind)
        number = key.number | (_AES_TYPE if on_card else 0)
        self._bench.client.change_key(KeyChange(number, new, old))

    def _key_set(self, step: Step) -> KeySetSpec:
        number = joined(step.command.data)[0]
        return self._bench.app(step).key_sets[number - 1]

    def _initialize_key_set(self, step: Step) -> None:
        number, kind = joined(step.command.data)
        self._bench.client.send(commands.initialize_key_set(number, kind), step.serves)

    def _change_key_of_set(self, step: Step) -> None:
        """Set a key of another set, which is zeros until then."""
        keys = self._key_set(step)
        key = keys.keys[joined(step.command.data)[1]]
        new, old = self._bench.keyring.own(key), DesfireKey.zero(key.kind)
        self._bench.client.change_key(KeyChange(key.number, new, old, key_set=keys.number))

    def _finalize_key_set(self, step: Step) -> None:
        keys = self._key_set(step)
        self._bench.client.send(commands.finalize_key_set(keys.number, keys.version), step.serves)

    def _change_key_settings(self, step: Step) -> None:
        on_card = step.place == CARD
        first = self._bench.product.settings if on_card else self._bench.app(step).first
        self._bench.client.send(commands.change_key_settings(first), f"settings of {step.place}")

    def _configure(self, step: Step) -> None:  # noqa: ARG002
        value = bytes((self._bench.product.configuration,))
        self._bench.client.send(commands.set_configuration(0, value), CONFIGURATION)

    def _format(self, step: Step) -> None:  # noqa: ARG002
        self._bench.client.send(commands.inform(Op.FORMAT, answer=0), "FormatPICC")
