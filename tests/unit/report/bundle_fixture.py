"""Writes a bundle as an audit would leave it, with made-up findings and empty signatures."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import yaml

from govkit import core
from govkit.core.policy import Authority, NotMeasured, Requirement, Risk
from govkit.core.verdict import Cell, PartRuling, ResidualRisk
from govkit.report.words import rmf

TEST = core.DataRef(role="test", digest="sha256:" + "7e" * 32)
SHIFTED = core.DataRef(role="shifted", digest="sha256:" + "5f" * 32)
ARTIFACT = "sha256:" + hashlib.sha256(b"candidate").hexdigest()
GROUPS = {
    "sex": {"Female": 2712, "Male": 5431},
    "race": {"Asian-Pac-Islander": 263, "Black": 782, "White": 6951, "Amer-Indian-Eskimo": 81, "Other": 66},
}
PLACES = [(k + 0.5) / 25 for k in range(25) if not 8 <= k <= 10]
"""Of the smooth line, without those where there are few rows."""


def measurement(name: str, value: Any, n: int = 8143, *, width: float = 0.012, **more: Any) -> core.Measurement:
    """A measurement with an interval of half-width ``width`` (none if 0)."""
    number = isinstance(value, float)
    more.setdefault("data", TEST)
    if number and width:
        low, high = round(value - width, 6), round(value + width, 6)
        bounds = tuple(core.Bound(level=level, low=low, high=high) for level in core.LEVELS)
        more.setdefault("bounds", bounds)
        more.setdefault("interval", core.Interval(level=0.95, low=low, high=high, method=more.pop("method", "score")))
    more.pop("method", None)
    return core.Measurement(name=name, value=value, n=n, unit="share" if number else "", **more)


def _outcomes() -> list[core.Finding]:
    found: list[core.Finding] = []
    values = {
        "accuracy": (0.851237, 0.812044, 0.846311),
        "balanced_accuracy": (0.764112, 0.701909, 0.760204),
        "roc_auc": (0.905518, 0.861127, 0.902001),
        "log_loss": (0.318821, 0.402113, 0.322009),
    }
    for name, sides in values.items():
        for of, value in zip(("candidate", "base", "incumbent"), sides, strict=True):
            found.append(measurement(name, value, check="performance", of=of))
        for other, side in (("base", sides[1]), ("incumbent", sides[2])):
            found.append(measurement(name, round(sides[0] - side, 6), width=0.006, check="performance",
                                     compared_with=other, method="paired, Tango score"))  # fmt: skip
    found.append(measurement("accuracy", 0.759302, check="performance", of="trivial"))
    for of, value in (("candidate", 0.031228), ("base", 0.057731), ("incumbent", 0.029004)):
        found.append(measurement("calibration_error", value, check="calibration", of=of, method="bootstrap, debiased"))
        size = {"candidate": 0.03, "base": 0.09, "incumbent": 0.02}[of]
        for index in range(10):
            bin_ = {"bin": f"{index / 10:.2f}-{(index + 1) / 10:.2f}"}
            stated = (index + 0.5) / 10
            bent = size * math.sin(2 * math.pi * stated)
            n = 320 + 97 * abs(5 - index)
            found.append(
                measurement("bin_confidence", round(stated, 4), n, width=0, check="calibration", of=of, part=bin_)
            )
            found.append(measurement("bin_observed", round(stated - bent, 4), n, width=0.03, check="calibration", of=of,
                                     part=bin_, method="Wilson score"))  # fmt: skip
        for place in () if of == "incumbent" else PLACES:
            value = round(place - size * math.sin(2 * math.pi * place), 4)
            found.append(measurement("smooth_observed", value, 300, width=0, check="calibration", of=of,
                                     part={"bin": f"{place:.2f}"}))  # fmt: skip
    found.append(measurement("calibration_error", -0.026503, check="calibration", compared_with="base"))
    return found


def _groups(groups: dict[str, dict[str, int]]) -> list[core.Finding]:
    found: list[core.Finding] = []
    for column, names in groups.items():
        for index, (group, n) in enumerate(names.items()):
            base = 0.13 + 0.13 * (index % 4) / 3
            width = round(0.9 / math.sqrt(n), 6)
            rates = {
                "selection_rate": (base, 0.19),
                "true_positive_rate": (0.52 + base / 2, 0.61),
                "false_positive_rate": (base / 4, 0.05),
                "accuracy": (0.9 - base / 3, 0.84),
            }
            more = {"check": "fairness", "part": {column: group}, "width": width}
            for name, (value, rest) in rates.items():
                found.append(measurement(name, round(value, 6), n, **more))
                apart = round(value - rest - 0.004 * index, 6)
                found.append(measurement(f"{name}_difference", apart, n, method="Miettinen-Nurminen", **more))
        found.append(measurement("equalized_odds_difference", 0.091277, check="fairness", part={column: "*"}))
    return found


def _others() -> list[core.Finding]:
    return [
        measurement("modality", "table", width=0, check="scope"),
        measurement("exact_overlap", 0.001842, check="contamination"),
        measurement("duplicate_share", 0.000612, check="duplicates"),
        measurement("population_stability_index", 0.034401, check="drift", data=SHIFTED),
        measurement("accuracy_change", -0.021877, check="shift", data=SHIFTED, n=4021),
        measurement("robust_accuracy", 0.604119, 512, check="adversarial", trust="trusted", width=0.041),
        measurement("membership_auc", 0.531102, 2000, check="membership", trust="suspect", width=0.025),
        measurement("compatible", "conflict", width=0, check="license"),
        core.Gap(check="backdoor", reason="unsupported", detail="stored predictions cannot be asked again"),
        core.Gap(check="quality", name="expectations_met", reason="no data", detail="no suite is declared"),
        core.Gap(check="fairness", name="selection_rate", part={"race": "Other"}, reason="too few rows",
                 detail="66 rows, at least 100 would be needed"),
    ]  # fmt: skip


def controls(groups: dict[str, dict[str, int]] = GROUPS) -> tuple[core.Control, ...]:
    """A control for each state that a ruling can have."""
    none = Authority(level="none", note="our own margin")

    def limit(id_: str, title: str, check: str, metric: str, severity: Any, **more: Any) -> core.Control:
        require = Requirement(**{k: more.pop(k) for k in ("min", "max", "equals") if k in more})
        return core.Control(id=id_, title=title, rmf=("MEASURE 2.11", "MANAGE 3.2"), check=check, metric=metric,
                            require=require, authority=none, severity=severity, **more)  # fmt: skip

    return (
        limit("PERF-01", "Right more often than always giving the most frequent answer", "performance", "accuracy",
              "high", min=0.76),
        limit("FAIR-01", "No group is selected far less often than everybody else", "fairness",
              "selection_rate_difference", "high", min=-0.1, max=0.1, over=("groups",),
              advice="Look at the groups that fail, gather more rows of them, or choose another limit with reason."),
        limit("FAIR-02", "No group is missed far more often", "fairness", "true_positive_rate_difference", "high",
              min=-0.15, over=("groups",)),
        limit("CAL-01", "Stated probabilities come true", "calibration", "calibration_error", "medium", max=0.03),
        limit("DATA-01", "Test rows are not among the training rows", "contamination", "exact_overlap", "critical",
              max=0.0, advice="Remove the overlapping rows from the test set and measure again."),
        limit("ROB-01", "No hidden trigger", "backdoor", "trigger_found", "medium", equals=False),
        limit("LIC-01", "The licenses allow the declared use", "license", "compatible", "high", equals="yes"),
        limit("PRIV-01", "Training rows cannot be told apart", "membership", "membership_auc", "low", max=0.6),
        limit("DRIFT-01", "Rows look as they did in training", "drift", "population_stability_index", "low", max=0.1),
        core.Control(id="GOV-01", title="An independent person has looked at it", rmf=("MEASURE 1.3",),
                     attest=core.Attest(kind="independent_review", signer_role="validator"), severity="medium"),
    )  # fmt: skip


STATES: tuple[tuple[str, Any, Any, bool, str], ...] = (
    ("PERF-01", "pass", "ignore", False, "0.839 is the lower bound at 0.95; at least 0.76 was required"),
    ("FAIR-01", "fail", "block", False, "sex: Female is at −0.06 (upper bound −0.043), beyond the limit −0.1"),
    ("FAIR-02", "inconclusive", "review", False, "race: Other holds 66 rows; about 1,900 would settle it"),
    ("CAL-01", "fail", "block", True, "0.031 is above 0.03; exception W-2026-014 covers it until 2027-02-01"),
    ("DATA-01", "error", "block", False, "the check crashed; its log says where"),
    ("ROB-01", "unsupported", "review", False, "stored predictions cannot be asked again"),
    ("LIC-01", "missing", "block", False, "the license of the base contradicts itself, so nothing follows"),
    ("PRIV-01", "inconclusive", "warn", False, "a suspect attack settles nothing"),
    ("DRIFT-01", "pass", "ignore", False, "0.041 is the upper bound at 0.95; at most 0.1 was required"),
    ("GOV-01", "not_applicable", "ignore", False, "the policy asks for it at tier high only"),
)


def policy(groups: dict[str, dict[str, int]] = GROUPS) -> core.Policy:
    return core.Policy(
        schema="govkit.policy/v1",
        id="acme.income",
        version="1.2.0",
        title="Income model, before release",
        tier="medium",
        tier_rationale="A person decides; the model only sorts.",
        controls=controls(groups),
        risks=(
            Risk(id="R-01", description="Some groups get fewer offers", impact=4, likelihood=3, controls=("FAIR-01",)),
        ),
        not_measured=(NotMeasured(risk="Feedback loops", reason="the model is not in service yet", owner="M. Risk"),),
    )


def _parts(control: core.Control, findings: list[core.Finding], **more: Any) -> tuple[PartRuling, ...]:
    """A part for each finding that speaks to the control; one without a finding where none does."""
    found = [
        (index, dict(f.part))
        for index, f in enumerate(findings)
        if f.check == control.check
        and f.name in (control.metric, "*")
        and (f.of, f.compared_with) == ("candidate", None)
        and bool(f.part) == bool(control.over)
    ]
    return tuple(PartRuling(part=part, finding=index, **more) for index, part in found or [(-1, {})])


def verdict(outcome: Any = "BLOCK", *, findings: list[core.Finding], **more: Any) -> core.Verdict:
    by_id = {control.id: control for control in controls()}
    rulings = tuple(
        core.Ruling(control=id_, title=by_id[id_].title, check=by_id[id_].check, metric=by_id[id_].metric, state=state,
                    severity=by_id[id_].severity, disposition=disposition, waived=waived, reason=reason,
                    parts=_parts(by_id[id_], findings, state=state, reason=reason))
        for id_, state, disposition, waived, reason in STATES
    )  # fmt: skip
    states = [ruling.state for ruling in rulings]
    letters = (
        "open",
        "evidenced_automatic",
        "open",
        "evidenced_by_document",
        "failed",
        "open",
        "inconclusive",
        "linked",
    )
    cells = tuple(Cell(id=id_, state=letters[i % 8], partly=i % 8 == 1) for i, id_ in enumerate(rmf()["cells"]))
    coverage = core.Coverage(
        controls={state: states.count(state) for state in dict.fromkeys(states)},
        findings=sum(isinstance(f, core.Measurement) for f in findings),
        gaps=sum(isinstance(f, core.Gap) for f in findings),
        cells=cells,
    )
    risks = (ResidualRisk(id="R-01", description="Some groups get fewer offers", inherent="high", residual="high",
                          measured=True, reason="FAIR-01 did not pass, so it lowers nothing"),)  # fmt: skip
    return core.Verdict(outcome=outcome, rulings=rulings, coverage=coverage, risks=risks, subject=ARTIFACT,
                        policy="sha256:" + "a1" * 32, as_of="2026-11-24T00:00:00Z", **more)  # fmt: skip


def run(**notes: Any) -> core.Run:
    def fact(value: Any, seen: Any = "observed") -> core.Fact:
        return core.Fact(value=value, seen=seen)

    conflict = core.LicenseRecord(
        expression=None,
        state="conflict",
        reason="the file LICENSE says Apache-2.0, the card says CC-BY-NC-4.0",
        evidence=(
            core.LicenseEvidence(source="license file", where="LICENSE", expression="Apache-2.0", sha256="ab" * 32),
            core.LicenseEvidence(source="card", where="README.md: license", expression="CC-BY-NC-4.0"),
        ),
    )
    base = core.Component(role="base", id=fact("acme/tabular-base"), revision=fact("9f2c41d0" * 5, "declared"),
                          digest=fact("sha256:" + "b2" * 32), rows=core.Fact(seen="not_applicable"),
                          license=conflict)  # fmt: skip
    train = core.Component(
        role="train", id=fact(notes.get("train", "adult.data"), "declared"), revision=core.Fact(seen="unknown"),
        digest=fact("sha256:" + "c3" * 32), rows=fact(32561),
        license=core.LicenseRecord(expression="CC-BY-4.0", state="known", reason="declared by the owner"))  # fmt: skip
    return core.Run(
        name="income, head only",
        base=base,
        data=(train,),
        method={"name": fact("head"), "trainable_parameters": fact(8194), "total_parameters": fact(1204482)},
        hyperparameters={"learning_rate": fact(5e-05), "epochs": fact(3), "batch_size": fact(64)},
        seed=fact(7),
        code={"commit": fact("1e34567" + "0" * 33), "dirty": core.Fact(value=False, seen="observed")},
        environment={"python": fact("3.11.7"), "torch": fact("2.13.0")},
        cost={"cpu_seconds": fact(412.7), "wall_seconds": fact(118.2), "energy_kwh": core.Fact(seen="unknown")},
        artifact=fact(ARTIFACT),
        exit="finished",
        started="2026-11-20T09:12:44Z",
    )


def statement(path: Path, predicate: dict[str, Any], kind: str) -> str:
    """Write a statement file with an empty signature; returns the digest of its payload."""
    payload = json.dumps(
        {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": f"urn:govkit:{kind}:v1",
         "predicate": predicate}
    ).encode()  # fmt: skip
    envelope = {"payload": base64.b64encode(payload).decode(), "payloadType": "application/vnd.in-toto+json",
                "signatures": [{"sig": ""}]}  # fmt: skip
    path.write_text(json.dumps({"dsseEnvelope": envelope}), encoding="utf-8")
    return f"sha256:{hashlib.sha256(payload).hexdigest()}"


def write_bundle(folder: Path, **options: Any) -> Path:
    """Write a bundle.

    Args:
        folder: Where; made if absent.
        options: ``outcome``, ``enforced``, ``groups`` (column -> group -> n), ``extra`` findings, ``without_run``,
            ``audit`` keys, ``train`` name of the training data, ``verdict`` and ``policy`` (functions).
    """
    folder.mkdir(parents=True, exist_ok=True)
    groups = options.get("groups", GROUPS)
    findings = [*_outcomes(), *_groups(groups), *_others(), *options.get("extra", [])]
    more = {"enforced": options["enforced"]} if "enforced" in options else {}
    judged = options.get("verdict", lambda v: v)(verdict(options.get("outcome", "BLOCK"), findings=findings, **more))
    digest = statement(
        folder / "findings.sigstore.json",
        {
            "schema": "govkit.findings/v1",
            "subject": {"name": "income", "digest": ARTIFACT},
            "policy": {"id": "acme.income", "version": "1.2.0", "digest": "sha256:" + "a1" * 32},
            "seed": "0",
            "tool": {"name": "govkit", "version": "0.1.0"},
            "passes": {"forward": 24429, "backward": 0, "declared_forward": 24429, "declared_backward": 0},
            "findings": [finding.model_dump(mode="json") for finding in findings],
        },
        "findings",
    )
    waiver = {"id": "W-2026-014", "control": "CAL-01", "model": ARTIFACT, "owner": "T. Trainer", "approver": "M. Risk",
              "response": "accept", "reason": "Scores are banded by a person until January.",
              "ceiling": 0.035, "compensating": ["A person looks at each letter."],
              "created": "2026-11-20", "expires": "2027-02-01"}  # fmt: skip
    stated = {"kind": "independent_review", "model": ARTIFACT, "signer": "V. Validator", "role": "validator",
              "answers": {"scope": "All 4 groups."}, "signed_at": "2026-11-19"}  # fmt: skip
    for kind, said in (("waiver", waiver), ("attestation", stated)):
        (folder / f"{kind}s").mkdir()
        statement(folder / f"{kind}s" / "one.sigstore.json", said, kind)
    statement(
        folder / "verdict.sigstore.json",
        {
            "schema": "govkit.verdict/v1",
            "verdict": judged.model_dump(mode="json"),
            "inputs": {"findings": digest},
            "policy": {"id": "acme.income", "version": "1.2.0", "digest": "sha256:" + "a1" * 32},
            "waivers": ["sha256:" + "d4" * 32],
            "attestations": ["sha256:" + "e5" * 32],
        },
        "verdict",
    )
    if not options.get("without_run"):
        train = options.get("train", "adult.data")
        statement(folder / "run.sigstore.json", run(train=train).model_dump(mode="json", by_alias=True), "run")
    rules = options.get("policy", lambda p: p)(policy(groups))
    text = yaml.safe_dump(rules.model_dump(mode="json", by_alias=True, exclude_none=True), sort_keys=False)
    (folder / "policy.yaml").write_text(text, encoding="utf-8")
    audit = {
        "schema": "govkit.audit/v1",
        "name": "Income classifier 2026",
        "subject": {"predictions": "predictions.parquet"},
        "columns": {"label": "income", "score": "score", "groups": list(groups)},
        "use": {"purpose": "Sorts letters about income support; a person reads each of them.",
                "intent": ["internal"], "excluded": ["Deciding without a person"]},
        **options.get("audit", {}),
    }  # fmt: skip
    (folder / "audit.yaml").write_text(yaml.safe_dump(audit, sort_keys=False), encoding="utf-8")
    return folder
