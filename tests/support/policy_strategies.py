"""Random policies, findings, waivers and statements for the laws of judging, as ``resolve`` would let them through."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from govkit.core import Attestation, Finding, Gap, Measurement, Policy, Waiver
from govkit.core.finding import LEVELS, Bound
from govkit.core.policy import RANK

SUBJECT = "sha256:" + "a" * 64
GROUPS = ("f", "m", "x")
REASONS = ("no data", "crashed", "unsupported", "no extra", "too few rows")
LIMITS = ({"min": 0.5}, {"max": 0.5}, {"min": 0.3, "max": 0.7}, {"min": -0.5, "max": 0.5})
WORSE = {"accuracy": -1, "recall": 1}
"""Metric -> the direction that is worse, in policies whose limits have one side."""

dispositions = st.sampled_from(["ignore", "warn", "review", "block"])


@st.composite
def controls(draw: Any, number: int, *, one_sided: bool = False) -> dict[str, Any]:
    """A control. Where a failure gates so does an open question, and the reverse; ``resolve`` asks for the second."""
    on_fail = draw(dispositions)
    gated = RANK[on_fail] >= RANK["review"]
    strict = st.sampled_from(["review", "block"]) if gated else dispositions
    metric = draw(st.sampled_from(["accuracy", "recall"]))
    return {
        "id": f"C-{number}",
        "title": "t",
        "rmf": ["MEASURE 2.5"],
        "check": "performance",
        "metric": metric,
        "over": draw(st.sampled_from([[], ["groups"], ["sex"]])),
        "require": LIMITS[WORSE[metric] > 0] if one_sided else draw(st.sampled_from(LIMITS)),
        "authority": {"level": "none"},
        "severity": draw(st.sampled_from(["info", "medium"])),
        "when": draw(st.sampled_from([None, None, {"has": ["base"]}])),
        "on_fail": on_fail,
        "on_inconclusive": draw(strict if gated else st.sampled_from(["ignore", "warn"])),
        **{name: draw(strict) for name in ("on_missing", "on_error", "on_unsupported")},
    }


@st.composite
def signed_controls(draw: Any, number: int) -> dict[str, Any]:
    """A control that asks for a statement of a person."""
    asked = {
        "kind": draw(st.sampled_from(["review", "approval"])),
        "signer_role": draw(st.sampled_from(["", "validator"])),
        "not_same_as": draw(st.sampled_from([[], ["owner"], ["approval"]])),
        "max_age_days": draw(st.sampled_from([5, 400])),
        "fields": draw(st.sampled_from([[], ["scope"]])),
    }
    severity = draw(st.sampled_from(["medium", "high"]))
    return {"id": f"S-{number}", "title": "t", "rmf": ["MEASURE 1.3"], "attest": asked, "severity": severity}


@st.composite
def policies(draw: Any, *, one_sided: bool = False) -> Policy:
    """A policy of one to four checks and at most two statements."""
    rows = {"by": "sex", "min_n": 50, "below_min": draw(st.sampled_from(["inconclusive", "report"]))}
    head = {
        "schema": "govkit.policy/v1",
        "id": "p",
        "version": "1.0.0",
        "slices": {"sex": rows},
        "owner": {"name": "O"},
    }
    asked = [draw(controls(number, one_sided=one_sided)) for number in range(draw(st.integers(1, 4)))]
    asked += [draw(signed_controls(number)) for number in range(draw(st.sampled_from([0, 0, 1, 2])))]
    return Policy.model_validate({**head, "controls": asked})


@st.composite
def measurements(draw: Any, name: str, part: dict[str, str], n: int) -> Measurement:
    """A share with bounds that grow with the level."""
    value = draw(st.floats(0, 1))
    low, high = draw(st.floats(0, 0.2)), draw(st.floats(0, 0.2))
    bounds = tuple(
        Bound(level=level, low=value - low * (1 + step / 4), high=value + high * (1 + step / 4))
        for step, level in enumerate(LEVELS)
    )
    trust = draw(st.sampled_from([None, None, "trusted", "suspect"]))
    return Measurement(check="performance", name=name, value=value, n=n, part=part, bounds=bounds, trust=trust)


@st.composite
def gaps(draw: Any, reasons: tuple[str, ...] = REASONS) -> Gap:
    """A gap of one metric or of all, on all rows, on a group or on all groups."""
    parts: list[dict[str, str]] = [{}, {"sex": "*"}, *({"sex": group} for group in GROUPS)]
    name = draw(st.sampled_from(["*", "accuracy", "recall"]))
    part, reason = draw(st.sampled_from(parts)), draw(st.sampled_from(reasons))
    return Gap(check="performance", name=name, part=part, reason=reason)


@st.composite
def evidence(draw: Any) -> list[Finding]:
    """Facts and sizes of the scope, then measurements and a few gaps; of two groups at times as one comparison."""
    twins = draw(st.sampled_from([False, False, True]))
    sizes = {group: draw(st.sampled_from([20, 400])) for group in GROUPS[: 2 if twins else None]}
    told: list[Finding] = [Measurement(check="scope", name="has_base", value=draw(st.booleans()), n=0)]
    told += [Measurement(check="scope", name="rows", value=n, n=n, part={"sex": name}) for name, n in sizes.items()]
    for metric in ("accuracy", "recall"):
        for part, n in (({}, 1000), *(({"sex": name}, n) for name, n in sizes.items())):
            if draw(st.integers(0, 9)) > 1:
                told.append(draw(measurements(metric, part, n)))
            elif draw(st.booleans()):
                reason = draw(st.sampled_from(["no data", "crashed", "unsupported", "too few rows"]))
                told.append(Gap(check="performance", name=metric, part=part, reason=reason))
    return [other for each in told for other in _both_sides(each, sizes["m"])] if twins else told


def _both_sides(found: Finding, n: int) -> list[Finding]:
    """A finding on the first of two groups and its mirror image on the other; of the other none of its own."""
    if found.check == "scope" or found.part not in ({"sex": "f"}, {"sex": "m"}) or isinstance(found, Gap):
        return [found]
    if found.part == {"sex": "m"}:
        return []
    turned = tuple(Bound(level=b.level, low=-b.high, high=-b.low) for b in found.bounds)
    other = {"value": -float(found.value), "bounds": turned, "part": {"sex": "m"}, "n": n}
    return [found.model_copy(update={"mirrored": True}), found.model_copy(update={"mirrored": True, **other})]


waivers = st.lists(
    st.builds(
        Waiver,
        id=st.just("W"),
        control=st.sampled_from(["C-0", "C-1", "S-0"]),
        model=st.just(SUBJECT),
        owner=st.just("a"),
        approver=st.just("b"),
        reason=st.just("a reason that is long enough"),
        ceiling=st.one_of(st.none(), st.floats(0, 1)),
        created=st.just("2026-11-01"),
        expires=st.just("2026-12-01"),
    ),
    max_size=2,
)

statements = st.lists(
    st.builds(
        Attestation,
        kind=st.sampled_from(["review", "approval"]),
        model=st.sampled_from([SUBJECT, SUBJECT, SUBJECT, "sha256:" + "b" * 64]),
        signer=st.sampled_from(["O", "v", "w"]),
        role=st.sampled_from(["", "validator"]),
        answers=st.sampled_from([{}, {"scope": "all of it"}]),
        signed_at=st.sampled_from(["2026-11-10", "2026-11-23", "2026-11-25"]),
    ),
    max_size=2,
    unique_by=lambda each: each.kind,
)
"""At most one statement of a kind: who takes one of two away also takes away whom the other signer must not be."""
