"""What readers do with a finished document: BAC, PACE with every mapping and suite, files under secure messaging."""

import pytest

from . import issuance
from .issuance import CAN, DG1, DG2, MRZ_INFORMATION, domain
from .reader import RefusedError


@pytest.mark.parametrize("image", ["emrtd-native", "emrtd-applet"])
def test_basic_access_control_opens_the_data_groups(issue, image):
    reader = issue(image=image)
    reader.select_application()
    reader.bac(MRZ_INFORMATION)
    assert reader.read("0101") == DG1
    assert reader.read("0102") == DG2
    assert reader.read("011D") == issuance.SOD


@pytest.mark.parametrize("suite", [1, 2, 3, 4])
@pytest.mark.parametrize(("variant", "number"), [(1, 0), (2, 13), (3, 0), (4, 13), (2, 12), (4, 12)])
def test_pace_opens_the_data_groups(issue, variant, number, suite):
    reader = issue(pace=((variant << 8 | suite, number),))
    objects = reader.pace(variant, suite, domain(number), number, MRZ_INFORMATION)
    assert set(objects) == {"86"}
    reader.select_application()
    assert reader.read("0101") == DG1


@pytest.mark.parametrize("number", [1, 2, 8, 9, 10, 11, 14, 15, 16, 17, 18])
def test_pace_on_every_standardized_group(issue, number):
    variant = 1 if number < 8 else 2
    reader = issue(pace=((variant << 8 | 4, number),))
    reader.pace(variant, 4, domain(number), number, CAN, password=2)
    reader.select_application()
    assert reader.read("0101") == DG1


def test_a_wrong_mrz_digit_opens_nothing(issue):
    reader = issue()
    reader.select_application()
    with pytest.raises(RefusedError, match="6300"):
        reader.bac(MRZ_INFORMATION[:-1] + b"7")
    with pytest.raises(RefusedError, match="6982"):
        reader.read("0101")
