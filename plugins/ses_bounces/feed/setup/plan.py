"""A plan: what to do about each thing in AWS, and doing it, wholly or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ses_bounces.base.exceptions import AwsError, AwsRefusedError, SesBouncesError, SetupError

# create, change, delete: to be done. right: as it should be. left: not ours, left alone. blocked: in the way.
Verdict = Literal["create", "change", "delete", "right", "left", "blocked"]
Undo = Callable[[], object]

WORDS: dict[Verdict, str] = {
    "create": "create",
    "change": "change",
    "delete": "delete",
    "right": "already right",
    "left": "not ours, left alone",
    "blocked": "in the way",
}
_SIGNS: dict[Verdict, str] = {"create": "+", "change": "~", "delete": "-", "right": "=", "left": ".", "blocked": "!"}


@dataclass(frozen=True)
class Resource:
    """What a thing of the plan looks like once it is right; templates are written from it.

    ``attributes`` are named and written as the API of its service has them. ``tags`` are those that it bears.
    """

    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Step:
    """One thing of the plan; ``details`` are sentences, or lines of a diff. ``do`` returns how to undo it.

    ``resource`` is what a template has to declare for it; None: the thing is not ours to declare.
    """

    kind: str
    name: str
    verdict: Verdict
    details: list[str] = field(default_factory=list)
    do: Callable[[], Undo] | None = None
    resource: Resource | None = None

    @property
    def is_to_do(self) -> bool:
        """Whether applying changes something."""
        return self.verdict in ("create", "change", "delete")


@dataclass
class Plan:
    """The steps in the order in which they are done, and what else is worth knowing."""

    steps: list[Step]
    notes: list[str] = field(default_factory=list)

    @property
    def to_do(self) -> list[Step]:
        """The steps that change something."""
        return [step for step in self.steps if step.is_to_do]

    def lines(self) -> list[str]:
        """Return the plan as text: one line a step, its details below."""
        lines = []
        for step in self.steps:
            lines.append(f"{_SIGNS[step.verdict]} {step.kind} {step.name}: {WORDS[step.verdict]}")
            lines += [f"    {detail}" for detail in step.details]
        return [*lines, *self.notes]

    def as_json(self) -> dict[str, object]:
        """Return the plan for programs."""
        steps = [
            {"kind": step.kind, "name": step.name, "verdict": step.verdict, "details": step.details}
            for step in self.steps
        ]
        return {"steps": steps, "notes": self.notes, "to_do": len(self.to_do)}


def apply(plan: Plan, each: Callable[[Step], None] = lambda _step: None) -> int:
    """Do what the plan says; if a step is refused, undo those before it.

    :param each: told of each step when it is done.
    :returns: how many steps were done.
    :raises SetupError: something is in the way; nothing was changed.
    :raises AwsRefusedError: AWS refused a step; nothing stays changed, or the message says what does.
    :raises AwsError: likewise.
    """
    if blocked := [detail for step in plan.steps if step.verdict == "blocked" for detail in step.details]:
        raise SetupError("\n".join([*blocked, "Nothing was changed."]))
    done: list[tuple[Step, Undo]] = []
    for step in plan.to_do:
        assert step.do is not None
        try:
            done.append((step, step.do()))
        except SesBouncesError as error:
            kind = AwsRefusedError if isinstance(error, AwsRefusedError) else AwsError
            raise kind(f"{error} {_undo(done)}") from None
        each(step)
    return len(done)


def _undo(done: Iterable[tuple[Step, Undo]]) -> str:
    left = []
    for step, undo in reversed(list(done)):
        try:
            undo()
        except SesBouncesError:
            left.append(f"{step.kind} {step.name}")
    if not left:
        return "Nothing was changed: what was done before that was undone."
    return f"These could not be undone: {', '.join(left)}. The next run goes on with them; --teardown removes them."


def nothing() -> None:
    """Undo what has no way back, or needs none."""
