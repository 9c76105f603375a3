"""What native document chips have in common: a memory, a document in it, and who answers before and after the lock."""

from abc import ABC, abstractmethod
from random import Random

from .. import statuswords as sw
from .. import tlv
from ..errors import StatusWordError
from ..gp import wire
from ..gp.journal import Journal
from ..memory import Memory
from .document import OPERATIONAL, TERMINATED, Document
from .image import CPLC_CELL, FOLDER, EmrtdImage
from .passport import Passport
from .session import Answer, Command, Session

CPLC, LIFE_CYCLE = 0x9F7F, 0xDF20  # objects of GET DATA that need no authentication before the lock


class DocumentChip(ABC):
    """The state of one chip.

    :ivar passport: what it is for strangers once it is locked.
    :ivar session: what is selected before.
    """

    def __init__(self, image: EmrtdImage, memory: Memory, random: Random) -> None:
        self.image = image
        self.memory = memory
        self.random = random
        self.journal = Journal(memory)
        self.document = Document(self.journal, FOLDER)
        self.passport = self._passport()
        self.session = Session()

    def _passport(self) -> Passport:
        return Passport(self.document, self.random)

    def reset(self) -> None:
        """Forget everything volatile, take back what a power cut left unfinished."""
        self.journal.forget()
        self.journal.recover()
        self.passport.reset()
        self.session = Session()

    def exchange(self, command: bytes) -> bytes:
        """Work on one C-APDU."""
        life_cycle = self.document.life_cycle
        if life_cycle == OPERATIONAL:
            return self.passport.exchange(command)
        if life_cycle == TERMINATED:
            return sw.CONDITIONS
        try:
            apdu = wire.parse(command, protocol=1, extended=True)
            if apdu.channel:
                return sw.NO_CHANNEL
            return self.before_lock(apdu)
        except StatusWordError as refusal:
            return refusal.sw

    @abstractmethod
    def before_lock(self, apdu: wire.Apdu) -> bytes:
        """Work on a command of the plant.

        :raises StatusWordError: to refuse it in clear.
        """

    @abstractmethod
    def work(self, command: Command) -> Answer:
        """The command itself, unwrapped.

        :raises StatusWordError: to refuse it.
        """

    def answer(self, command: Command) -> Answer:
        """Work on a command; its writes are committed, or nothing of it stays."""
        return self.journal.settle(lambda: self.work(command))

    def identity(self, tag: int) -> Answer:
        """CPLC data or life cycle byte.

        :raises StatusWordError: 6A88 for another tag.
        """
        if tag not in (CPLC, LIFE_CYCLE):
            raise StatusWordError(sw.DATA_NOT_FOUND)
        value = self.memory.cells[CPLC_CELL] if tag == CPLC else bytes((self.document.life_cycle,))
        return tlv.build(tag, value), sw.OK
