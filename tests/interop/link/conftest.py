"""Sixteen readers, lent to tests in turn, so that none waits for the card before it to be noticed as gone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.link.slots import Readers
from tests.interop.stack import Stack, running


@pytest.fixture(scope="module")
def full_stack() -> Iterator[Stack]:
    """A stack with all the readers a pcscd can have."""
    with running(16) as stack:
        yield stack


@pytest.fixture(scope="module")
def lender(full_stack: Stack) -> Readers:
    """All readers of the stack."""
    return Readers(full_stack)


@pytest.fixture
def stack(full_stack: Stack) -> Stack:
    """The stack, running: a test that killed pcscd leaves it to this to start it again."""
    if full_stack.process.poll() is not None:
        full_stack.restart()
    return full_stack


@pytest.fixture
def readers(stack: Stack, lender: Readers) -> Iterator[Readers]:
    """Readers to put cards into; all are taken out after the test."""
    yield lender
    lender.clear()
