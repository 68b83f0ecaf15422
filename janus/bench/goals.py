"""What the benchmarks are held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """A measured ratio, None where it was not measured, and its bound; command: what measures it."""

    name: str
    value: float | None
    at_most: float | None = None
    at_least: float | None = None
    command: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the bound holds; None where nothing was measured."""
        if self.value is None:
            return None
        return self.value <= self.at_most if self.at_most is not None else self.value >= self.at_least

    @property
    def bound(self) -> str:
        """The bound in words."""
        return f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"

    def line(self) -> str:
        """One line of the report."""
        if self.value is None:
            return f"- {self.name}: goal {self.bound}, open; measure it with `{self.command}`"
        return f"- {self.name}: {self.value:.2f}, goal {self.bound}: **{'met' if self.met else 'missed'}**"
