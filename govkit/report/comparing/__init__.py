"""Two bundles side by side: what changed, what got better or worse, and what cannot be compared, and why.

Nothing is computed from data. An answer follows from the intervals that the bundles hold, or from a paired difference
that one of them holds to the model of the other.
"""

from __future__ import annotations

from typing import Literal

from govkit.report.comparing.changes import OUTCOMES, facts, gaps, known, rulings
from govkit.report.comparing.model import Comparison, FactChange, GapChange, Question, RulingChange, Side
from govkit.report.comparing.questions import questions
from govkit.report.comparing.written import lines, markdown, page
from govkit.report.model import Report
from govkit.report.read import Sources


def compare(
    a: Sources, b: Sources, *, signers: tuple[dict[str, str] | None, dict[str, str] | None] = (None, None)
) -> Comparison:
    """Compare what two bundles say.

    Args:
        a: The first bundle.
        b: The second, which is judged beside the first.
        signers: Of each bundle who signed it, where it was verified.
    """
    sides = _side(a, signers[0]), _side(b, signers[1])
    return Comparison(
        a=sides[0],
        b=sides[1],
        outcome=_harder(a, b),
        questions=questions(a.findings, b.findings, sides=sides),
        rulings=rulings(a, b),
        gaps=gaps(a.findings, b.findings),
        facts=facts(a, b),
    )


def _harder(a: Sources, b: Sources) -> Literal["harder", "milder", "same"]:
    before, after = (OUTCOMES.index(side.verdict.outcome) for side in (a, b))
    return "same" if before == after else "harder" if after > before else "milder"


def _side(said: Sources, signers: dict[str, str] | None) -> Side:
    data: dict[str, set[str]] = {}
    for found in said.findings:
        if found.data is not None:
            data.setdefault(found.data.role, set()).add(found.data.digest)
    base, beside = known(said.run.base.digest) if said.run else None, said.measured.get("incumbent")
    return Side(
        name=Report(said).name,
        artifact=said.verdict.subject,
        outcome=said.verdict.outcome,
        enforced=said.verdict.enforced,
        as_of=f"{said.as_of:%Y-%m-%dT%H:%M:%SZ}",
        policy=f"{said.policy.id} {said.policy.version}",
        policy_digest=said.verdict.policy,
        findings=said.findings_digest,
        incumbent=beside if isinstance(beside, str) else None,
        base=base if isinstance(base, str) and base.startswith("sha256:") else None,
        data={role: tuple(sorted(digests)) for role, digests in sorted(data.items())},
        seed=str(said.measured.get("seed", "")),
        signers=signers,
    )
