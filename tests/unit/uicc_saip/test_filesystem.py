"""Templates, parameters and contents make the files an eUICC would make of them."""

from __future__ import annotations

import pytest

from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import CATALOGUE, Structure
from cardkit.apps.uicc.saip.codes import read_codes
from cardkit.apps.uicc.saip.control import conditions, parameters
from cardkit.apps.uicc.saip.filesystem import FileSystem, read_files
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.schema_files import FILE_LISTS
from cardkit.apps.uicc.saip.template_files import TEMPLATE_FILES
from cardkit.apps.uicc.saip.templates import pattern, shape_of, template_of
from cardkit.errors import EncodingError

from .building import MF, content, der, fcp, file, package, skip, usim

USIM = (0x7FF0,)


@pytest.fixture(scope="module")
def made(sample: Package) -> FileSystem:
    return read_files(sample)


def body(files: FileSystem, name: str) -> str:
    found = files.named(name)
    assert found is not None, name
    return found.body.hex().upper()


# What the value notation beside the package says, and the templates where it says nothing.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MF/EF.PL", "656EFFFFFFFF"),
        ("MF/EF.ICCID", "989909010000000099F7"),
        ("ADF.USIM/EF.IMSI", "080910100000009079"),
        ("ADF.USIM/EF.Keys", "07" + 32 * "FF"),
        ("ADF.USIM/DF.GSM-ACCESS/EF.Kc", 8 * "FF" + "07"),
        ("ADF.USIM/EF.LOCI", "FFFFFFFF00F110FFFEFF01"),
        ("DF.TELECOM/DF.PHONEBOOK/EF.PSC", "00000000"),
        ("ADF.USIM/EF.UST", "8EDF1F041DF60500480B10800506023E03"),
    ],
)
def test_bodies_of_a_package(made: FileSystem, name: str, expected: str) -> None:
    assert body(made, name) == expected


def test_records_start_where_the_offsets_lead(made: FileSystem) -> None:
    directory = made.named("MF/EF.DIR")
    assert directory is not None
    spec = CATALOGUE["MF/EF.DIR"]
    assert [spec.decode(record).get("label") for record in directory.records()] == ["USIM", "ISIM", "CSIM", None, None]
    rules = made.named("ADF.USIM/EF.ARR")
    assert rules is not None
    assert [len(record) for record in rules.records()] == [48] * 14


def test_a_linked_file_has_the_body_of_the_other(made: FileSystem) -> None:
    linked, owner = made.named("DF.TELECOM/EF.MSISDN"), made.named("ADF.USIM/EF.MSISDN")
    assert linked is not None
    assert owner is not None
    assert linked.link == owner.path
    assert (linked.body, linked.shape) == (owner.body, owner.shape)


def test_applications_directories_and_files_get_the_names_of_the_catalogue(made: FileSystem) -> None:
    names = [directory.name for directory in made.directories()]
    assert names[:6] == [
        "MF",
        "DF.TELECOM",
        "DF.TELECOM/DF.GRAPHICS",
        "DF.TELECOM/DF.PHONEBOOK",
        "DF.TELECOM/DF.5F3C",
        "DF.TELECOM/DF.V2X",
    ]
    assert {"ADF.USIM/DF.5GS", "ADF.USIM/DF.SAIP", "ADF.USIM/DF.HNB", "ADF.CSIM", "ADF.ISIM"} <= set(names)
    unnamed = [file for file in made.in_directory(USIM) if file.spec is None]
    assert [file.name for file in unnamed] == ["ADF.USIM/EF.6FC3"]


def test_parameters_are_those_the_package_gives(made: FileSystem, sample: Package) -> None:
    codes = read_codes(sample, made.contexts)
    acm, usim_directory = made.named("ADF.USIM/EF.ACM"), made.files[USIM]
    assert acm is not None
    found = Fcp.parse(parameters(acm, codes))
    assert (found.structure, found.size, found.record_length, found.sfi) == (Structure.CYCLIC, 15, 3, 0x1C)
    assert conditions(acm, made, codes) is not None
    application = Fcp.parse(parameters(usim_directory, codes))
    assert application.df_name == bytes.fromhex("A0000000871002FFFFFFFF8907090000")
    assert [(pin.name, pin.enabled) for pin in application.pins] == [
        ("PIN2", True),
        ("PIN1", False),
        ("ADM1", True),
        ("ADM2", True),
    ]


def test_access_rules_come_from_the_files_own_directory_or_above(made: FileSystem, sample: Package) -> None:
    codes = read_codes(sample, made.contexts)
    kc = made.named("ADF.USIM/DF.GSM-ACCESS/EF.Kc")
    assert kc is not None
    access = conditions(kc, made, codes)
    assert access is not None
    assert (access["read"], access["update"], access["delete"]) == ("PIN1", "PIN1", "ADM1")


def test_a_size_nobody_gives_is_a_problem_that_is_named(made: FileSystem) -> None:
    assert "csim.ef-ah: no size, and the template gives none" in made.problems
    assert all(problem.partition(".")[0] in {"csim", "opt-csim"} for problem in made.problems)


# Templates


def test_a_template_fills_in_what_the_package_does_not_say() -> None:
    made = read_files(package(MF, usim(file(0xA5))))
    assert made.problems == ()
    keys = made.named("ADF.USIM/EF.Keys")
    assert keys is not None
    assert keys.body.hex() == "07" + 32 * "ff"
    assert (keys.sfi, keys.rules, keys.special, keys.life_cycle) == (0x08, (0x6F06, 5), 0x80, 5)
    assert (made.files[()].rules, made.files[(0x7FF0,)].rules) == ((0x2F06, 14), (0x2F06, 14))


def test_files_of_a_template_created_by_default_need_no_mention() -> None:
    made = read_files(package(MF, usim()))
    assert body(made, "MF/EF.PL") == "FFFF"
    assert body(made, "ADF.USIM/EF.PSLOCI") == "FFFFFFFFFFFFFFFFFFFF0000FF01"
    assert body(made, "ADF.USIM/EF.SMS") == 10 * ("00" + 175 * "FF")
    assert len(list(made.in_directory((0x7FF0,)))) == len(FILE_LISTS["usim"][1]) - 1


def test_what_is_not_to_be_created_is_not() -> None:
    made = read_files(package(MF, usim(file(0xA5, "8000"))))
    assert made.named("ADF.USIM/EF.Keys") is None
    assert made.named("ADF.USIM/EF.KeysPS") is not None


def test_parameters_of_the_package_win_over_the_template() -> None:
    made = read_files(package(MF, usim(file(0xA5, fcp("8B0103", "800105", "8800", "A503C1010A")))))
    keys = made.named("ADF.USIM/EF.Keys")
    assert keys is not None
    assert (keys.rules, keys.sfi, keys.body.hex()) == ((0x6F06, 3), 0, "0a" * 5)


def test_contents_go_on_where_the_last_ended() -> None:
    made = read_files(package(MF, usim(file(0xA5, skip(2), content("A1A2"), skip(1), content("A3")))))
    assert body(made, "ADF.USIM/EF.Keys")[:14] == "07FFA1A2FFA3FF"


def test_contents_beyond_the_end_are_a_problem() -> None:
    made = read_files(package(MF, usim(file(0xA5, skip(32), content("0102")))))
    assert made.problems == ("usim.ef-keys: contents reach byte 34, the file has 33",)


def test_a_component_out_of_order_is_a_problem() -> None:
    made = read_files(package(MF, usim(file(0xA6), file(0xA5))))
    assert made.problems == ("usim: unknown, or not in order: tags A5",)


def test_an_element_in_the_wrong_place_is_a_problem() -> None:
    made = read_files(package(MF, der(0xB4, der(0xA0, "810101"), der(0x81, "67810F010205"), der(0xA2))))
    assert made.problems == ("opt-usim: no element usim stands before it",)


@pytest.mark.parametrize(("element", "lines"), TEMPLATE_FILES.items(), ids=list(TEMPLATE_FILES))
def test_templates_name_components_of_the_module_and_agree_with_the_catalogue(element: str, lines: tuple) -> None:
    directories = {"mf": "MF", "usim": "ADF.USIM", "opt-usim": "ADF.USIM", "isim": "ADF.ISIM", "opt-isim": "ADF.ISIM"}
    directories |= {"gsm-access": "ADF.USIM/DF.GSM-ACCESS", "df-5gs": "ADF.USIM/DF.5GS"}
    assert [line.component for line in lines if line.component not in FILE_LISTS[element][1]] == []
    for line in lines:
        spec = CATALOGUE.at(directories.get(element, ""), line.fid)
        shape = shape_of(line)
        if spec is None or shape is None or spec.title == "EF.URSP":
            continue
        title = spec.title.removeprefix("EF.").lower().replace("-", "").replace("_", "").replace("acmmax", "acmax")
        assert (title, spec.structure) == (line.component.removeprefix("ef-").lower().replace("-", ""), shape.structure)
        if spec.size_max is not None and spec.size_min == spec.size_max and shape.size:
            assert (shape.record_length or shape.size) == spec.size_min, line


def test_an_earlier_version_has_its_own_sizes() -> None:
    first, second = template_of("2.23.143.1.2.13"), template_of("2.23.143.1.2.13.3")
    assert first is not None
    assert second is not None
    assert (first.files["ef-5gs3gppnsc"].body, second.files["ef-5gs3gppnsc"].body) == ("L 1x57", "L 2x62")
    assert template_of("2.23.143.1.2.10") is None
    assert template_of("2.4") is None


def test_a_default_that_does_not_fit_is_refused() -> None:
    with pytest.raises(EncodingError, match="got 3 bytes, the template's contents end in 8"):
        pattern("FF|FF00000001FFFF00", 3)


# Generic file management


def generic(*commands: bytes) -> bytes:
    return der(0xA1, der(0xA0, "810101"), der(0xA1, der(0x30, *commands)))


def test_generic_files_are_made_in_the_directory_that_is_selected() -> None:
    made = read_files(
        package(
            MF,
            usim(),
            generic(
                der(0x80, "7FF0"),
                der(0x62, "82027821", "83025F50", "8B0101"),
                der(0x62, "82044221000A", "83024F81", "8B0103", "800114"),
                der(0x02, "0A"),
                der(0x81, "C0FFEE"),
                der(0x80, "7FF06F07"),
                der(0x81, "08"),
            ),
        )
    )
    assert made.problems == ()
    created = made.files[(0x7FF0, 0x5F50, 0x4F81)]
    assert created.name == "ADF.USIM/DF.HNB/EF.ACSGL"
    assert [record.hex() for record in created.records()] == [10 * "ff", "c0ffee" + 7 * "ff"]
    assert created.sfi is None
    assert body(made, "ADF.USIM/EF.IMSI") == "080910101032547698"


@pytest.mark.parametrize(
    ("commands", "problem"),
    [
        ([der(0x80, "7F99")], "genericFileManagement: path 7F99: nothing before makes it"),
        ([der(0x80, "7F")], "genericFileManagement: path: got 1 bytes, expected two for each step"),
        ([der(0x80), der(0x81, "01")], "genericFileManagement: contents where no file is current"),
        ([der(0x62, "82024121", "8001 05".replace(" ", ""))], "file below MF: no file identifier, and the template"),
        ([der(0x62, "82024121", "83022FFF", "C7022FFF")], "file 2FFF: linked to 2FFF, where no file with a body is"),
        ([der(0x62, "82024221", "83022FFF", "800105")], "file 2FFF: no record length"),
        ([der(0x62, "83022FFF", "800105")], "file 2FFF: no file descriptor, and the template gives none"),
        ([der(0x62, "82024121", "83022FFF", "8B022F06", "800105")], "file 2FFF: access rules: got 2 bytes"),
    ],
)
def test_what_cannot_be_made_is_named(commands: list[bytes], problem: str) -> None:
    made = read_files(package(MF, generic(*commands)))
    assert len(made.problems) == 1
    assert made.problems[0].startswith(problem)
    assert made.named("MF/EF.ICCID") is not None
