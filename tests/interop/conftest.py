"""The private PC/SC stack as fixtures. With CI=true a stack that cannot be had is a failure, elsewhere a skip."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.interop.stack import Stack, StackError, missing, shared_stack

if TYPE_CHECKING:
    from tests.interop.slots import Readers


def unavailable(why: str) -> NoReturn:
    """Skip with the reason, or fail where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def pcsc_stack() -> Stack:
    """The one private pcscd of this process, with 16 readers; libpcsclite and child processes know of it."""
    absent = missing()
    if absent:
        unavailable(f"the PC/SC stack needs {', '.join(absent)}")
    try:
        return shared_stack()
    except StackError as error:
        unavailable(f"the PC/SC stack does not start: {error}")


@pytest.fixture
def stack(pcsc_stack: Stack) -> Stack:
    """The stack, running: a test that killed pcscd leaves it to this to start it again."""
    pcsc_stack.start()
    return pcsc_stack


@pytest.fixture
def readers(stack: Stack) -> Iterator[Readers]:
    """Readers to put cards into; all are taken out after the test."""
    from tests.interop.slots import Readers

    lent = Readers(stack)
    yield lent
    lent.clear()
