"""The supervisor's side of every line, as couplers see it."""

from __future__ import annotations

from typing import Protocol

from cardkit.production.couplers.messages import Answer, Question


class Exchange(Protocol):
    """Takes what couplers say. Both methods are called from the couplers' threads."""

    def put(self, coupler: int, answer: Answer) -> None:
        """Take an answer; it is dealt with in its turn."""
        ...

    def ask(self, coupler: int, question: Question) -> str | None:
        """Make something durable before returning; why the coupler must stop before its next command, or None."""
        ...
