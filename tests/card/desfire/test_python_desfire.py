"""A client by somebody else makes and uses an EV1 card: python-desfire from PyPI, with raw native frames only."""

import pytest
from desfire import DESFire, DESFireKey, get_list
from desfire.devices.base import Device
from desfire.enums import DESFireCommunicationMode, DESFireFileType, DESFireKeySettings, DESFireKeyType
from desfire.schemas import FilePermissions, FileSettings, KeySettings

from cardkit.virtual import make_card

AID, FILE = "DEAFFE", 1
AES = KeySettings(key_type=DESFireKeyType.DF_KEY_AES)
MASTER, READ, WRITE = ("404142434445464748494A4B4C4D4E4F", "505152535455565758595A5B5C5D5E5F", "60" * 16)
OPEN = [
    DESFireKeySettings.KS_ALLOW_CHANGE_MK,
    DESFireKeySettings.KS_LISTING_WITHOUT_MK,
    DESFireKeySettings.KS_CREATE_DELETE_WITHOUT_MK,
    DESFireKeySettings.KS_CONFIGURATION_CHANGEABLE,
]


class InProcess(Device):
    """A card without a reader; counts what goes over the wire."""

    def __init__(self, card):
        self.card = card
        self.frames = 0

    def transceive(self, frame):
        self.frames += 1
        return list(self.card.transmit(bytes(frame)))


def aes(key="00" * 16):
    """A key object of its own: python-desfire turns it into the session key."""
    return DESFireKey(AES, key)


def personalize(client):
    """Its personalization example: default key, application, keys, an enciphered file; the UID goes into it.

    :returns: UID.
    """
    client.authenticate(0, DESFireKey(client.get_key_setting(), "00" * 8))
    uid = client.get_real_uid()
    client.change_default_key(aes(), 0)
    client.create_application(AID, KeySettings(settings=OPEN, key_type=DESFireKeyType.DF_KEY_AES), 4)
    assert client.get_application_ids() == [get_list(AID)]
    client.select_application(AID)
    client.authenticate(0, aes())
    client.change_key(0, aes(), aes(MASTER), 1)
    client.authenticate(0, aes(MASTER))
    client.change_key(1, aes(), aes(READ), 1)
    client.change_key(2, aes(), aes(WRITE), 2)
    wanted = FileSettings(
        file_size=8,
        encryption=DESFireCommunicationMode.ENCRYPTED,
        permissions=FilePermissions(read_key=1, write_key=2),
        file_type=DESFireFileType.MDFT_STANDARD_DATA_FILE,
    )
    client.create_standard_file(FILE, wanted)
    settings = client.get_file_settings(FILE)
    assert (settings.file_size, settings.encryption) == (8, DESFireCommunicationMode.ENCRYPTED)
    client.write_file_data(FILE, 0, settings.encryption, [0, *uid])
    assert client.read_file_data(FILE, settings) == [0, *uid]
    return bytes(uid)


def check(client, uid):
    """What a stranger with the keys finds."""
    client.select_application(AID)
    client.authenticate(1, aes(READ))
    assert [client.get_key_version(number) for number in range(4)] == [1, 1, 2, 0]
    assert client.read_file_data(FILE, client.get_file_settings(FILE)) == [0, *uid]
    assert client.get_file_ids() == [FILE]


@pytest.mark.parametrize("image", ["desfire-ev1", "desfire-ev2", "desfire-ev3"])
def test_personalization(image):
    card = make_card(image, seed=1)
    device = InProcess(card)
    uid = personalize(DESFire(device))
    assert uid == b"\x04" + card.serial
    assert device.frames == 19
    card.power(cold=True)
    check(DESFire(device), uid)


def test_the_key_of_the_card_becomes_aes():
    client = DESFire(InProcess(make_card("desfire-ev1", seed=1)))
    zero = DESFireKey(client.get_key_setting(), "00" * 8)
    client.authenticate(0, zero)
    client.change_key(0, DESFireKey(client.get_key_setting(), "00" * 8), aes(MASTER), 0x10)
    client.authenticate(0, aes(MASTER))
    assert client.get_key_version(0) == 0x10
    assert client.get_key_setting().key_type is DESFireKeyType.DF_KEY_AES
    assert client.get_card_version().uid
