"""What is wrong with a policy or a roster, said so that its author can mend it: file, line, place, what is allowed."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. `path` names the place in the document, e.g. `routing.chains.billing[0]`; line 0 is the file."""

    file: str
    line: int
    path: str
    says: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.says}" if self.path else f"{place}: {self.says}"


class PolicyError(Exception):
    """A policy or roster that cannot be used; the text has a line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
