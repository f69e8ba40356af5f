"""What two bundles say of the same questions. Plain data: every value stands in one of the two bundles."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from govkit.core import Finding, Gap, Measurement

Answer = Literal["worse", "better", "undecided", "changed", "unchanged", "not comparable"]
"""``changed`` is said of words, truths and numbers that have no better side, and of what is not about the model."""

Basis = Literal["paired", "counted", "intervals", ""]
"""What an answer rests on: a paired difference inside a bundle, two counts, two intervals, or nothing."""

ANSWERS: tuple[Answer, ...] = ("worse", "better", "undecided", "changed", "unchanged", "not comparable")
Turn = Literal["harder", "milder", "other", "asked otherwise", "no longer judged", "new", "gone"]
"""How the consequence of a control moved; ``other``: another state with the same consequence."""

Moved = Literal["new", "closed", "not asked", "other reason"]


@dataclass(frozen=True)
class Side:
    """One of the two bundles.

    Attributes:
        name: Name of the model.
        artifact: Digest of the model.
        outcome: Outcome of the stored verdict.
        enforced: Whether it was enforced.
        as_of: The time of judging.
        policy: Id and version of the policy.
        policy_digest: Digest of the policy.
        findings: Digest of the findings statement.
        incumbent: Digest of the model in service that stood beside this one, where the findings name it.
        base: Digest of the base, where the record of the run knows it.
        data: Role -> digests of the rows that were measured.
        seed: Seed of the audit.
        signers: Statement -> who signed it, where this side was verified; None where it was only read.
    """

    name: str
    artifact: str
    outcome: str
    enforced: bool
    as_of: str
    policy: str
    policy_digest: str
    findings: str
    incumbent: str | None
    base: str | None
    data: dict[str, tuple[str, ...]]
    seed: str
    signers: dict[str, str] | None = None


@dataclass(frozen=True)
class Question:
    """One question, and what each bundle says to it.

    Attributes:
        a: The finding of the first bundle, or None.
        b: The finding of the second.
        answer: What follows for the second beside the first.
        basis: What it rests on.
        reason: Why it cannot be told or compared: a key of the catalog, ``compare.reasons``; else empty.
        paired: The paired difference that answers, from the bundle ``paired_in``.
        paired_in: ``"a"`` or ``"b"``; empty without ``paired``. In ``a`` it is the first model less the second.
        lost: Whether it was measured in the first bundle and is measured nowhere in the second.
    """

    a: Finding | None
    b: Finding | None
    answer: Answer
    basis: Basis = ""
    reason: str = ""
    paired: Measurement | None = None
    paired_in: Literal["a", "b", ""] = ""
    lost: bool = False

    @property
    def about(self) -> Measurement:
        """What is asked: the measurement of the second bundle, else of the first, else the paired difference."""
        for found in (self.b, self.a, self.paired):
            if isinstance(found, Measurement):
                return found
        raise ValueError("a question that nobody measured")

    def dump(self) -> dict[str, Any]:
        """The question with its answer, as plain data."""
        about = self.about
        return {
            "check": about.check, "name": about.name, "of": about.of, "compared_with": about.compared_with,
            "part": dict(about.part), "role": about.data.role if about.data else None,
            "answer": self.answer, "basis": self.basis, "reason": self.reason, "lost": self.lost,
            "a": said(self.a), "b": said(self.b), "paired": said(self.paired), "paired_in": self.paired_in,
        }  # fmt: skip


@dataclass(frozen=True)
class RulingChange:
    """A control whose ruling is another one; the states carry ``waived`` where an exception covers them."""

    control: str
    title: str
    turn: Turn
    a: str | None
    b: str | None
    waived_a: bool = False
    waived_b: bool = False
    severity: str = ""


@dataclass(frozen=True)
class GapChange:
    """A gap that one of the bundles has and the other has not, or has for another reason."""

    moved: Moved
    a: Gap | None
    b: Gap | None

    @property
    def gap(self) -> Gap:
        """The gap as the second bundle has it, else the first."""
        found = self.b or self.a
        if found is None:
            raise ValueError("a change of no gap")
        return found


@dataclass(frozen=True)
class FactChange:
    """A fact that differs: a license, a digest, a version, an exception. ``topic`` is a key of ``compare.topics``."""

    topic: Literal["lineage", "people", "environment"]
    what: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Comparison:
    """Two bundles side by side. Nothing here is computed from data; answers follow from what the bundles hold.

    Attributes:
        a: The first bundle.
        b: The second, which is judged beside the first.
        outcome: ``harder``, ``milder`` or ``same``.
        questions: Every measured question of either bundle.
        rulings: Controls whose ruling changed.
        gaps: Gaps that came, went or changed their reason.
        facts: Other facts that differ.
    """

    a: Side
    b: Side
    outcome: Literal["harder", "milder", "same"]
    questions: tuple[Question, ...]
    rulings: tuple[RulingChange, ...]
    gaps: tuple[GapChange, ...]
    facts: tuple[FactChange, ...]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Answer -> number of questions."""
        found = Counter(question.answer for question in self.questions)
        return {answer: found[answer] for answer in ANSWERS}

    @cached_property
    def reasons(self) -> dict[str, int]:
        """Why questions are not comparable -> how many, the most frequent first."""
        found = Counter(question.reason for question in self.questions if question.answer == "not comparable")
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))

    @cached_property
    def lost(self) -> int:
        """Questions that were measured in the first bundle and are measured nowhere in the second."""
        return sum(question.lost for question in self.questions)

    @property
    def same_model(self) -> bool:
        """Whether both bundles are about the same bytes."""
        return self.a.artifact == self.b.artifact

    @property
    def same_policy(self) -> bool:
        """Whether both were judged by the same policy."""
        return self.a.policy_digest == self.b.policy_digest

    @property
    def same_rows(self) -> dict[str, bool | None]:
        """Role -> whether the same rows were measured; None where a bundle has no such rows, or no digest of them."""
        roles = sorted({*self.a.data, *self.b.data})
        return {role: self._same_rows(role) for role in roles}

    def _same_rows(self, role: str) -> bool | None:
        a, b = self.a.data.get(role, ()), self.b.data.get(role, ())
        known = a and b and (all((*a, *b)) or self.a.findings == self.b.findings)  # one statement is about its own rows
        return a == b if known else None

    @property
    def nothing_changed(self) -> bool:
        """Whether the second bundle says what the first one says."""
        moved = any(question.answer != "unchanged" for question in self.questions)
        same = self.same_model and self.same_policy and all(self.same_rows.values())
        ends = (self.a.outcome, self.a.enforced) == (self.b.outcome, self.b.enforced)
        return same and ends and not (moved or self.rulings or self.gaps or self.facts)

    @property
    def got_worse(self) -> bool:
        """Whether a number got worse beyond chance, a control got harder, or the outcome did."""
        rulings = any(change.turn == "harder" for change in self.rulings)
        return self.outcome == "harder" or bool(self.counts["worse"]) or rulings

    @property
    def lost_evidence(self) -> bool:
        """Whether something that was measured or judged before is so no longer."""
        rulings = any(change.turn == "no longer judged" for change in self.rulings)
        return rulings or bool(self.lost)

    def dump(self) -> dict[str, Any]:
        """The facts that ``govkit compare --json`` prints."""
        return {
            "schema": "govkit.comparison/v1",
            "verified": {"a": self.a.signers is not None, "b": self.b.signers is not None},
            "a": dataclasses.asdict(self.a),
            "b": dataclasses.asdict(self.b),
            "same": {"model": self.same_model, "policy": self.same_policy, "rows": self.same_rows},
            "nothing_changed": self.nothing_changed,
            "outcome": {"a": self.a.outcome, "b": self.b.outcome, "turn": self.outcome},
            "counts": self.counts,
            "reasons": self.reasons,
            "lost": self.lost,
            "got_worse": self.got_worse,
            "lost_evidence": self.lost_evidence,
            "questions": [question.dump() for question in self.questions],
            "rulings": [dataclasses.asdict(change) for change in self.rulings],
            "gaps": [{"moved": change.moved, "a": said(change.a), "b": said(change.b)} for change in self.gaps],
            "facts": [dataclasses.asdict(change) for change in self.facts],
        }


def said(found: Finding | None) -> dict[str, Any] | None:
    """A finding without what only a judge needs; of a gap what it lacks and why."""
    if found is None:
        return None
    if isinstance(found, Gap):
        return {"gap": found.name, "check": found.check, "reason": found.reason, "detail": found.detail}
    interval = None if found.interval is None else found.interval.model_dump(mode="json")
    return {
        "value": found.value, "n": found.n, "interval": interval, "better": found.better, "trust": found.trust,
        "params": found.params, "data": found.data.digest if found.data else None, "seed": found.seed,
    }  # fmt: skip
