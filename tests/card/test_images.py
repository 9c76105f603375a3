"""Images: the delivered blanks, FCP templates given verbatim, and what is refused."""

import re

import pytest

from cardkit.virtual import ImageError, VirtualCard, images, load_image
from cardkit.virtual.files import Kind

MINIMAL = """
[chip]
name = "small"
title = "small"
atr = "3B00"
protocols = [1]
classes = [0]
arr = 0x6F06
[rules]
all = "800103 9000"
[files]
"3F00" = { name = "MF", access = "all" }
%s
[[secrets]]
reference = 0x0A
state = "C00303 4142434445464748"
"""

PIN1_OFF_PIN2_ON = """
[[secrets]]
reference = 0x01
state = "F10303 30303030FFFFFFFF 0A0A 3030303030303030"
[[secrets]]
reference = 0x81
state = "E00303 30303030FFFFFFFF 0A0A 3030303030303030"
"""


def load(tmp_path, text):
    path = tmp_path / "image.toml"
    path.write_text(text)
    return load_image(path)


def test_names():
    payment = ("emrtd-2006", "emrtd-applet", "emrtd-native", "emv-cps", "emv-cps-kmc", "emv-cps-scp03", "emv-cps-t0")
    assert images() == (
        "cipurse",
        "cipurse-v1",
        "cipurse-v2",
        "desfire-d40",
        "desfire-ev1",
        "desfire-ev2",
        "desfire-ev3",
        *payment,
        "gp-scp02",
        "gp-scp03",
        "gsm-r",
        "national-id",
        "ntag424",
        "piv",
        "pkcs15",
        "sim2g",
        "social",
        "uicc-bare",
        "usim",
        "usim-isim-5g",
        "usim-isim-5g-gp",
    )


def test_an_image_like_another_changes_what_it_names():
    base, other = load_image("emv-cps"), load_image("emv-cps-t0")
    assert (base.protocols, other.protocols) == ((1,), (0,))
    assert base.atr != other.atr
    assert base.digest != other.digest
    assert (base.cells, base.applets, base.options) == (other.cells, other.applets, other.options)


def test_an_image_like_another_may_leave_out_what_that_has():
    base, other = load_image("usim-isim-5g"), load_image("usim-isim-5g-gp")
    gone = {"A515/6F20", "A515/6F21", "7FF0/AF20", "7FF0/AF30", "7FF1/AF20", "7FF1/AF30"}
    assert base.files.keys() - other.files.keys() == {f"3F00/{path}" for path in gone}
    assert not other.files.keys() - base.files.keys()


def test_all_files_of_the_blank_usim_answer_their_fcp(usim):
    for path, file in usim.card.image.files.items():
        steps = path.replace("/", "")[4:]
        answer = usim(f"00A40804{len(steps) // 2:02X}{steps}00") if steps else usim("00A40004023F0000")
        assert answer.endswith("9000"), path
        assert f"8302{file.fid:04X}" in answer
        if file.is_df:
            assert answer.startswith("62")
            continue
        if file.transparent:
            assert "82024121" in answer
        else:
            fdb = "42" if file.kind is Kind.LINEAR else "46"
            assert f"8205{fdb}21{file.record_length:04X}{file.records:02X}" in answer
        assert f"8002{file.size:04X}" in answer
        assert (f"8801{file.sfi << 3:02X}" if file.sfi else "8800") in answer


def test_every_sfi_reads_its_file(usim):
    for path, file in usim.card.image.files.items():
        if file.sfi and file.transparent:
            usim("00A4000C023F00")
            if file.parent.parent:
                usim.select(file.parent.path.replace("/", "")[4:])
            assert usim(f"00B0{0x80 | file.sfi:02X}0000")[:-4] == usim.body(path), path


def test_blank_bodies_of_ts_31_102_annex_e(usim):
    expected = {
        "7FF0/6F7E": "FFFFFFFFFFFFFF0000FF01",
        "7FF0/6F73": "FFFFFFFFFFFFFFFFFFFF0000FF01",
        "7FF0/6FE3": "FF" * 12 + "FFFFFF000001",
        "7FF0/6F08": "07" + "FF" * 32,
        "7FF0/6F5B": "F00000F00000",
        "7FF0/6F60": "FFFFFF0000" * 12,
        "7FF0/5F3B/4F20": "FF" * 8 + "07",
        "7F10/6F3C": ("00" + "FF" * 175) * 20,
    }
    assert {path: usim.body(f"3F00/{path}") for path in expected} == expected


def test_chip_number_is_the_serial(usim):
    usim.select("2FF1")
    assert usim("00B0000008") == usim.card.serial.hex().upper() + "9000"


def test_serials_are_random_without_a_seed_and_repeat_with_one():
    assert len({VirtualCard("usim").serial for _ in range(50)}) == 50
    assert (
        VirtualCard("usim", seed=5).serial == VirtualCard("usim", seed=5).serial != VirtualCard("usim", seed=6).serial
    )
    assert VirtualCard("usim", serial=bytes(8)).serial == bytes(8)


def test_chips_share_nothing_they_write(usim):
    other = VirtualCard(usim.card.image)
    usim.adm().select("2FE2")
    usim("00D6000001AA")
    assert other.memory()["3F00/2FE2"] == b"\xff" * 10
    assert load_image("usim").cells["3F00/2FE2"] == b"\xff" * 10


def test_an_image_is_read_once():
    assert load_image("usim") is load_image("usim")


def dump_image(dumps):
    """An image out of a real card's backup: every FCP verbatim, contents as read, record files spelled out."""
    lines = ['"3F00" = { name = "MF", fcp = "621d8202782183023f00a5038001718a01058b032f0603c606900100830101" }']
    entries = [v for v in dumps if v["in"].get("card") == "usim-B" and v["in"].get("ids", "").count("/")]
    for entry in sorted(entries, key=lambda v: v["in"]["ids"].count("/")):
        path = entry["in"]["ids"].replace("a0000000871002", "7f40").upper()
        out = entry["out"]
        data = [out["content"]] if "content" in out else spread(out.get("records", {}))
        lines.append(f'"{path}" = {{ name = "{entry["in"]["path"]}", fcp = "{out["fcp"]}", data = {data!r} }}')
    text = MINIMAL.replace('"3F00" = { name = "MF", access = "all" }\n%s', "\n".join(lines))
    return text + PIN1_OFF_PIN2_ON, entries


def spread(records):
    found = []
    for key, value in records.items():
        first, _, last = key.partition("-")
        found += [value] * (int(last or first) - int(first) + 1)
    return found


def test_real_cards_templates_are_answered_byte_for_byte(tmp_path, dumps):
    text, entries = dump_image(dumps)
    card = VirtualCard(load(tmp_path, text))
    assert len(entries) > 80
    for entry in entries:
        path = bytes.fromhex(re.sub("a0000000871002", "7f40", entry["in"]["ids"])[5:].replace("/", ""))
        answer = card.transmit(bytes((0x00, 0xA4, 0x08, 0x04, len(path))) + path + b"\x00")
        assert answer.hex() == entry["out"]["fcp"] + "9000", entry["name"]


def test_real_cards_rules_decide(tmp_path, dumps):
    """EF.IMSI of usim-B refers to record 4 of its EF.ARR: read PIN1, update ADM1."""
    text, entries = dump_image(dumps)
    (imsi,) = (v["out"]["content"] for v in entries if v["in"]["path"] == "MF/ADF.USIM/EF.IMSI")
    card = VirtualCard(load(tmp_path, text))

    def send(command):
        return card.transmit(bytes.fromhex(command)).hex()

    assert send("00A4080C047F406F07") == "9000"
    assert send("00B0000009") == f"{imsi}9000"
    assert send("00D6000001AA") == "6982"
    assert send("0020000A084142434445464748") == "9000"
    assert send("00D6000001AA") == "9000"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"3F00/2F01" = { name = "A", size = 2, access = "all", data = "010203" }', "content needs 1 x 2 bytes"),
        ('"3F00/2F01" = { name = "A", size = 2, access = "none" }', "none"),
        ('"3F00/2F01" = { name = "A", linear = "300 x 2", access = "all" }', "1 to 254 records"),
        ('"3F00/7F10/6F01" = { name = "A", size = 2, access = "all" }', "3F00/7F10"),
        ('"3F00/2F01" = { name = "A", size = 2, access = "all", data = "0G" }', "2F01"),
        ('"3F00/2F01" = { name = "A", fcp = "62168202412183022F028A01058B032F06018002000488" , data = "" }', "2F01"),
        ('"3F00/2F01" = { name = "A", sfi = 1, size = 2, access = "all" }\n'
         '"3F00/2F02" = { name = "B", sfi = 1, size = 2, access = "all" }', "already taken"),
        ('"3F00/2F01" = { name = "A", size = 2, access = "all" }\n'
         '"3F00/2F02" = { name = "B", size = 3, access = "all", link = "3F00/2F01" }', "another size"),
        ('"3F00/2F01" = { name = "A", fcp = "620E8202412183022F02800200048800" }', "FID in FCP is 2F02"),
        ('[[authenticate]]\nkey = "3F00/6F20"', "no file 3F00/6F20"),
        ('[[secrets]]\nreference = 0x01\nstate = "F10303"', "expected 11 or 21 bytes of state, got 3"),
        ("this is no TOML", "image.toml"),
    ],
)  # fmt: skip
def test_contradictions_are_refused_with_file_and_path(tmp_path, line, message):
    with pytest.raises(ImageError, match=re.escape(message)) as caught:
        load(tmp_path, MINIMAL % line)
    assert "image.toml" in str(caught.value)


@pytest.mark.parametrize("broken", ["[chip]", "reference = 0x0A", 'state = "C00303 4142434445464748"'])
def test_missing_entries_are_named(tmp_path, broken):
    with pytest.raises(ImageError):
        load(tmp_path, (MINIMAL % "").replace(broken, ""))


def test_unknown_names_and_wrong_serials():
    with pytest.raises(
        ImageError, match=r"expected one of .*, national-id, ntag424, piv, pkcs15, sim2g, social, uicc-bare"
    ):
        VirtualCard("nosuch")
    with pytest.raises(ImageError, match="serial of 3 bytes, expected 8"):
        VirtualCard("usim", serial=b"abc")
