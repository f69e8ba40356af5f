"""Two bundles side by side: read, verified where models and a trust file are given, and compared."""

from __future__ import annotations

from pathlib import Path

from govkit import evidence
from govkit.errors import UsageError
from govkit.pipeline.verification import policy_and_audit, verify
from govkit.report.comparing import Comparison, compare
from govkit.report.read import Sources, read


def compare_bundles(
    a: Path | str,
    b: Path | str,
    *,
    model_a: Path | str | None = None,
    model_b: Path | str | None = None,
    trust: Path | str | evidence.Trust | None = None,
    as_of: str | None = None,
) -> Comparison:
    """Say what changed from one bundle to another, what got better or worse, and what cannot be compared, and why.

    A number is compared only where both bundles answer the same question: the same check, measure, parameters, part,
    rows and seed. It is better or worse where the two intervals lie apart, or where a bundle holds a paired difference
    to the model of the other and its interval leaves out zero. No statistic is computed.

    Args:
        a: The first bundle.
        b: The second, which is judged beside the first.
        model_a: The model of the first; with ``trust``, the first bundle is verified before it is read.
        model_b: The same for the second.
        trust: The trust file: which keys may sign what.
        as_of: UTC time to take as now in verifying.

    Raises:
        UsageError: A folder is no bundle, or only one of model and trust file is given.
        EvidenceError: A bundle that was to be verified does not verify, or holds another policy or audit file than its
            statements name.
    """
    if (trust is None) != (model_a is None and model_b is None):
        raise UsageError("to verify takes a trust file and the model of a bundle; expected both or neither")
    first = _opened(Path(a), model_a, trust, as_of)
    second = _opened(Path(b), model_b, trust, as_of)
    return compare(first[0], second[0], signers=(first[1], second[1]))


def _opened(
    bundle: Path, model: Path | str | None, trust: Path | str | evidence.Trust | None, as_of: str | None
) -> tuple[Sources, dict[str, str] | None]:
    """What a bundle says, and who signed it where that was verified."""
    if model is None or trust is None:
        policy_and_audit(bundle)
        return read(bundle), None
    found = verify(bundle, model=model, trust=trust, as_of=as_of)
    return read(bundle), dict(found.signers)
