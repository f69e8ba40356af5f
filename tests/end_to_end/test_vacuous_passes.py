"""Ways to get exit code 0 with something unmeasured, misspelt, expired, swapped or empty: none gets through.

Each way changes one thing about files that pass, and is run through the command line.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import govkit as gk
from govkit import evidence
from govkit.cli import _told
from govkit.cli.app import app
from govkit.core import Attestation, Waiver
from govkit.core.finding import LEVELS
from govkit.evidence import Lock, LockedPolicy

NOON, DAY = "2026-11-27T12:00:00Z", "2026-11-27"
OTHER = "sha256:" + "b" * 64
AUDIT = """\
schema: govkit.audit/v1
subject: {predictions: rows.csv}
policy: p.yaml
columns: {label: label, score: score, base_score: base, groups: [sex], id: id, classes: ['0', '1']}
absent: {incumbent: "this is the first", shifted: "there are no other rows", base_data: "it is not known"}
"""
LIMIT = "rmf: [MEASURE 2.3], check: performance, metric: accuracy, authority: {level: none, note: ours}"
HEAD = """\
schema: govkit.policy/v1
id: p
version: 1.0.0
owner: {name: "O. Owner"}
review_by: 2030-01-01
slices: {sex: {by: sex}}
controls:
"""
POLICY = f"""\
{HEAD}  - {{id: A, title: Better than a coin, {LIMIT}, require: {{min: 0.5}}, severity: medium}}
  - {{id: G, title: In every group, {LIMIT}, over: [sex], require: {{min: 0.5}}, severity: medium}}
"""
SIGNED = f"""\
{HEAD}  - {{id: W, title: Right nearly always, {LIMIT}, require: {{min: 0.95}}, severity: high}}
  - {{id: M, title: Also on other rows, {LIMIT}, data: shifted, require: {{min: 0.5}}, severity: high,
     when: {{has: [shifted]}}}}
  - {{id: R, title: Reviewed, rmf: [MEASURE 1.3], severity: high,
     attest: {{kind: independent_review, signer_role: validator, not_same_as: [owner], fields: [scope]}}}}
"""
CHILD = "schema: govkit.policy/v1\nid: c\nversion: 1.0.0\nextends: [ground.yaml]\n"
RELAX = "relax: [{control: A, field: require, reason: agreed in the risk meeting, approver: M, expires: DAY}]\n"
LOOSE = "controls: [{id: A, require: {min: 0.4}}]\n"

Document = dict[str, Any]
Texts = dict[str, str]


def govkit(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and words of a command, in this process."""
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    if done.exception is None or isinstance(done.exception, SystemExit):
        return done.exit_code, done.output
    assert isinstance(done.exception, Exception)
    message, code = _told(done.exception)
    return code, message


def refused(code: int, word: str, *arguments: str | Path) -> None:
    found, said = govkit(*arguments)
    assert found == code, said
    assert word in " ".join(said.split()), said


def table(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    score = rng.uniform(size=n).round(4)
    rows = pd.DataFrame({"id": range(n), "label": (rng.uniform(size=n) < score).astype(int), "score": score})
    return rows.assign(base=(score * 0.9).round(4), sex=rng.choice(["f", "m"], n))


def write(folder: Path, texts: Texts) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Place:
    """Files that pass.

    Attributes:
        folder: Rows, audit file, policies, and the key and trust file of the gate in ``ci``.
        findings: What was measured there.
        key: The key of the gate.
    """

    folder: Path
    findings: str
    key: evidence.SigningKey

    def document(self) -> Document:
        found: Document = json.loads(self.findings)
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("vacuous")
    table().to_csv(folder / "rows.csv", index=False)
    write(folder, {"audit.yaml": AUDIT, "p.yaml": POLICY, "strict.yaml": POLICY.replace("min: 0.5", "min: 0.95")})
    key = gk.new_key(folder / "ci", password=b"secret", name="CI", as_of="2026-11-01T00:00:00Z")
    return Place(folder, json.dumps(gk.measure(folder / "audit.yaml")), key)


# Policies and findings


@dataclass(frozen=True)
class Way:
    """One way.

    Attributes:
        code: The exit code that answers it.
        word: What the message says.
        policy: What stands in the policy, and what stands there instead; or whole files by name.
        findings: What is done to the findings; a text is written in their place.
        named: How the command line calls the policy.
    """

    code: int
    word: str
    policy: tuple[str, str] | Texts = ("", "")
    findings: Callable[[Document], str | None] = lambda _: None
    named: str = ""


def picked(document: Document) -> list[Document]:
    """The findings that the policy asks for: of all rows, of women, of men."""
    return [
        each
        for each in document["findings"]
        if (each["check"], each["name"], each["of"], each["compared_with"])
        == ("performance", "accuracy", "candidate", None)
    ]


def each(**changes: Any) -> Callable[[Document], None]:
    """Other facts in each finding that is asked for."""

    def change(document: Document) -> None:
        for found in picked(document):
            found.update(changes)

    return change


def only(*checks: str) -> Callable[[Document], None]:
    return lambda document: document.update(findings=[f for f in document["findings"] if f["check"] in checks])


def gaps(reason: str) -> Callable[[Document], None]:
    """Nothing but the facts of the case, and a gap in the place of the check."""

    def change(document: Document) -> None:
        only("scope")(document)
        document["findings"].append({"kind": "gap", "check": "performance", "reason": reason, "detail": "Said so."})

    return change


def without(**facts: Any) -> Callable[[Document], None]:
    """Findings without those that have these facts."""

    def change(document: Document) -> None:
        found = document["findings"]
        document["findings"] = [f for f in found if any(f.get(name) != value for name, value in facts.items())]

    return change


def bounds(change: Callable[[Document], Document | None]) -> Callable[[Document], None]:
    def changed(document: Document) -> None:
        for found in picked(document):
            made = [change(dict(bound)) for bound in found["bounds"]]
            found["bounds"] = [bound for bound in made if bound is not None]

    return changed


def twice(document: Document) -> None:
    document["findings"] += picked(document)


def contradiction(document: Document) -> None:
    """Beside each bound another one of the same level, which would not pass; what passes stands first."""
    for found in picked(document):
        found["bounds"] = [each for bound in found["bounds"] for each in (bound, {**bound, "low": 0.0, "high": 1.0})]


def raw(old: str, new: str) -> Callable[[Document], str]:
    return lambda document: json.dumps(document).replace(old, new, 1)


def number(text: str) -> Callable[[Document], str]:
    """A number in the place of the value that is asked for, as it would be written."""

    def change(document: Document) -> str:
        picked(document)[0]["value"] = "VALUE"
        return json.dumps(document).replace('"VALUE"', text)

    return change


NOTHING = "nothing speaks for this model"
MEDIUM = "severity: medium}"
WARN = "severity: low, on_fail: warn, on_missing: warn, on_error: warn, on_unsupported: warn, on_inconclusive: warn}"
SOFT = (MEDIUM, WARN)
OPEN = (MEDIUM, "severity: medium, on_inconclusive: warn}")
WAYS = {
    # Nothing measured, H1
    "no findings": Way(1, NOTHING, findings=only()),
    "no findings, and what is missing only warns": Way(1, NOTHING, SOFT, only()),
    "facts of the case only": Way(1, NOTHING, findings=only("scope")),
    "other checks only": Way(1, "no measurement of accuracy", findings=without(check="performance")),
    "only gaps without data": Way(1, "no data: Said so", findings=gaps("no data")),
    "only gaps, and what is missing only warns": Way(1, NOTHING, SOFT, gaps("no data")),
    "only too few rows": Way(1, NOTHING, findings=gaps("too few rows")),
    "open questions only warn beside failures that block": Way(2, "fewer rows may not open the gate", OPEN),
    "only too few rows, and everything only warns": Way(1, NOTHING, SOFT, gaps("too few rows")),
    "a check that crashed": Way(1, "crashed: Said so", findings=gaps("crashed")),
    "a check that crashed, and an error only warns": Way(1, NOTHING, SOFT, gaps("crashed")),
    "a model that cannot be asked": Way(1, NOTHING, findings=gaps("unsupported")),
    "a library that is not installed": Way(1, "no extra: Said so", findings=gaps("no extra")),
    "no bounds": Way(3, "carries no bound at 95 % confidence", findings=each(bounds=[])),
    "bounds at a lower level only": Way(
        3, "carries no bound", findings=bounds(lambda bound: bound if bound["level"] < 0.95 else None)
    ),
    "bounds at no level": Way(
        3, "carries no bound", findings=bounds(lambda bound: {**bound, "level": bound["level"] - 1})
    ),
    "bounds the wrong way round": Way(
        1,
        "whose low end lies above its high end",
        findings=bounds(lambda bound: {**bound, "low": 0.99, "high": 0.01}),
    ),
    "two bounds at one level": Way(1, "two bounds at one level", findings=contradiction),
    "bounds that do not hold the value": Way(3, "limit 0.5", findings=each(value=0.1)),
    "a value in words": Way(1, "is no number", findings=each(value="0.9")),
    "a truth as a value": Way(1, "is no number", findings=each(value=True)),
    "unknown": Way(1, "unknown never counts as met", findings=each(value="unknown")),
    "the base's own value": Way(1, "no measurement of accuracy", findings=each(of="base")),
    "a value of other rows": Way(1, "on all rows, test data", findings=each(data={"role": "train", "digest": OTHER})),
    "a value of other parameters": Way(1, "no measurement of accuracy", findings=each(params={"bins": 3})),
    "an attack that is suspect": Way(3, "The attack is suspect", findings=each(trust="suspect")),
    "an attack that nobody looked at": Way(3, "The attack is not evaluated", findings=each(trust="not evaluated")),
    "everything twice": Way(1, "more than one measurement of the same thing", findings=twice),
    "a group left out": Way(1, "was not measured", findings=without(name="accuracy", part={"sex": "f"})),
    "every group left out": Way(
        1,
        "accuracy was not measured",
        findings=lambda document: document.update(
            findings=[found for found in document["findings"] if not found["part"] or found["check"] == "scope"]
        ),
    ),
    # Misspelt words, H2
    "a pack that is misspelt": Way(2, "did you mean 'nist-ai-rmf-core'", named="nist-ai-rfm-core"),
    "a pack of no name": Way(2, "no policy called ''", named="govkit:"),
    "no name": Way(2, "no policy called ''", named="EMPTY"),
    "another version of a pack": Way(2, "version 7 is asked for", named="nist-ai-rmf-core@7"),
    "a file that is not there": Way(2, "cannot be read", named="nowhere.yaml"),
    "an unknown key": Way(2, "unknown key 'requires'", ("require:", "requires:")),
    "an unknown key at the top": Way(2, "unknown key 'control'", ("controls:", "control:")),
    "an unknown check": Way(2, "there is no check 'performence'", ("check: performance", "check: performence")),
    "an unknown metric": Way(2, "has no metric 'acuracy'", ("metric: accuracy", "metric: acuracy")),
    "an unknown parameter": Way(2, "has no parameter 'bins'", (LIMIT, f"{LIMIT}, params: {{bins: 15}}")),
    "an unknown slice": Way(2, "slice 'sexx' is not one of", ("over: [sex]", "over: [sexx]")),
    "an unknown fact": Way(2, "found 'shited'", (MEDIUM, "severity: medium, when: {has: [shited]}}")),
    "an unknown severity": Way(2, "did you mean 'medium'", (MEDIUM, "severity: medum}")),
    "an unknown subcategory": Way(2, "is no subcategory", ("MEASURE 2.3", "MEASURE 2.33")),
    "an unknown authority": Way(2, "is no source", ("level: none", "level: standard, ref: iso_0")),
    "another version of the schema": Way(2, "govkit.policy/v1", ("policy/v1", "policy/v2")),
    "one id twice": Way(2, "stands more than once", ("id: G", "id: A")),
    "a key twice": Way(2, "the key 'title' stands twice", ("title: In every group", "title: a, title: b")),
    "an alias": Way(2, "aliases", ("rmf: [MEASURE 2.3]", "rmf: *same")),
    "a column of a slice that is misspelt": Way(1, "accuracy by the check performance", ("by: sex", "by: sexx")),
    "a slice that matches nobody": Way(1, "no measurement of accuracy", ("{by: sex}", "{by: [sex, age]}")),
    "findings of another version": Way(2, "expected schema", findings=raw("findings/v1", "findings/v2")),
    "an unknown key in a finding": Way(2, "Extra inputs", findings=each(boundz=[])),
    "a key twice in the findings": Way(2, "stands twice", findings=raw('"seed": "0"', '"seed": "0", "seed": "0"')),
    "findings that are a list": Way(2, "expected a JSON object", findings=lambda _: "[]"),
    "findings that are empty": Way(2, "f.json", findings=lambda _: ""),
    # Numbers that are none
    "NaN as a value": Way(2, "f.json", findings=number("NaN")),
    "infinity as a value": Way(2, "f.json", findings=number("Infinity")),
    "a value too large for a number": Way(2, "f.json", findings=number("1e999")),
    "a whole number without end": Way(2, "f.json", findings=number("9" * 400)),
    "NaN as a limit": Way(2, "found '.nan'", ("min: 0.5", "min: .nan")),
    "minus infinity as a limit": Way(2, "found '-.inf'", ("min: 0.5", "min: -.inf")),
    "a limit too large for a number": Way(2, "not finite", ("min: 0.5", "min: -1e999")),
    "a limit outside of the metric": Way(2, "lies outside the range", ("min: 0.5", "min: -0.5")),
    "a limit on the bad side": Way(2, "a max alone would ask for worse", ("min: 0.5", "max: 0.99")),
    "a truth as a limit": Way(2, "found False; input should be a valid number", ("min: 0.5", "min: false")),
    "a limit with a stroke in it": Way(2, "found '0_0'", ("min: 0.5", "min: 0_0")),
    "limits in reverse": Way(2, "nothing could pass", ("min: 0.5", "min: 0.9, max: 0.1")),
    "no limit": Way(2, "expected min, max or equals", ("min: 0.5", "")),
    "unknown as what is asked": Way(2, "equals unknown can never be met", ("min: 0.5", "equals: unknown")),
    # A control that fails, H3, and controls that ask nothing
    "a control that fails": Way(1, "is beyond the limit", ("min: 0.5", "min: 0.95")),
    "a control that may be met": Way(3, "rows would settle it", ("min: 0.5", "min: 0.76")),
    "a comparison with nothing": Way(1, "There is no incumbent", (LIMIT, f"{LIMIT}, compared_with: incumbent")),
    "rows that are not there": Way(1, "shifted data", (LIMIT, f"{LIMIT}, data: shifted")),
    "every control excluded": Way(1, NOTHING, (MEDIUM, "severity: medium, when: {has: [shifted]}}")),
    "controls for a case that nobody describes": Way(
        1,
        "it cannot be told whether this applies",
        (MEDIUM, "severity: medium, when: {has: [base]}}"),
        without(check="scope"),
    ),
    "a policy for other cases": Way(
        1, "was not written for such a case", ("controls:", "applies: {task: [multiclass]}\ncontrols:")
    ),
    "a policy for cases that nobody describes": Way(
        1, "was not written for such a case", ("controls:", "applies: {modality: [table]}\ncontrols:")
    ),
    "all parts left out for their size": Way(
        1, "no measurement of accuracy", ("{by: sex}", "{by: sex, min_n: 9999, below_min: report}")
    ),
    "all parts too small": Way(3, "the slice sex asks for 9999", ("{by: sex}", "{by: sex, min_n: 9999}")),
    "what is missing ignored": Way(
        2, "less evidence may not open the gate", (MEDIUM, f"{MEDIUM[:-1]}, on_missing: ignore}}")
    ),
    "what fails ignored": Way(
        2, "would let a failure pass in silence", (MEDIUM, WARN.replace("on_fail: warn", "on_fail: ignore"))
    ),
    "a failure that only warns, beside open questions that do not": Way(
        2, "a worse value would do better", (MEDIUM, f"{MEDIUM[:-1]}, on_fail: warn}}")
    ),
    "a failure of high severity that only warns": Way(
        2, "needs on_fail: block", (MEDIUM, "severity: high, on_fail: warn}")
    ),
    "no authority": Way(2, "also needs authority", (", authority: {level: none, note: ours}", "")),
    "neither check nor statement": Way(2, "exactly one of check and attest", ("check: performance, ", "")),
    # Empty and expired
    "an empty policy": Way(2, "the file is empty", {"p.yaml": ""}),
    "a policy of remarks": Way(2, "the file is empty", {"p.yaml": "# nothing\n"}),
    "no controls": Way(2, "controls", {"p.yaml": HEAD + "  []\n"}),
    "a policy past its review": Way(3, "was to be reviewed by 2026-11-26", ("2030-01-01", "2026-11-26")),
    "a day that does not exist": Way(2, "review_by", ("2030-01-01", "2030-02-30")),
    "a relaxation that expired": Way(
        3, "expired on 2026-11-26", {"p.yaml": CHILD + RELAX.replace("DAY", "2026-11-26") + LOOSE}
    ),
    "a relaxation without a reason": Way(
        2,
        "reason",
        {"p.yaml": CHILD + RELAX.replace("agreed in the risk meeting", "''").replace("DAY", "2027-01-01") + LOOSE},
    ),
    "a relaxation without an end": Way(2, "expires", {"p.yaml": CHILD + RELAX.replace(", expires: DAY", "") + LOOSE}),
    "a looser child": Way(2, "is looser than in p", {"p.yaml": CHILD + LOOSE}),
    "a child that asks less of its groups": Way(
        2, "is looser than in p", {"p.yaml": CHILD + "controls: [{id: G, over: []}]\n"}
    ),
    "policies that extend each other in a circle": Way(
        2, "in a circle", {"p.yaml": CHILD, "ground.yaml": CHILD.replace("ground", "p")}
    ),
    "a parent that is misspelt": Way(2, "cannot be read", {"p.yaml": CHILD.replace("ground", "grund")}),
}


def judged(place: Place, folder: Path, way: Way) -> Sequence[str | Path]:
    """The files of a way, and the command line that judges them."""
    texts = way.policy if isinstance(way.policy, dict) else {"p.yaml": POLICY.replace(*way.policy)}
    assert way.policy == ("", "") or texts.get("p.yaml") != POLICY
    write(folder, {"ground.yaml": POLICY, **texts})
    document = place.document()
    text = way.findings(document)
    write(folder, {"f.json": json.dumps(document) if text is None else text})
    policy = {"": folder / "p.yaml", "EMPTY": ""}.get(way.named, way.named)
    return ("judge", folder / "f.json", "--policy", policy, "--out", folder / "v.json", "--as-of", NOON)


def test_without_a_fault_it_passes(place: Place, tmp_path: Path) -> None:
    assert govkit(*judged(place, tmp_path, Way(0, "")))[0] == 0


@pytest.mark.parametrize("name", WAYS)
def test_no_way_through_policies_and_findings(place: Place, tmp_path: Path, name: str) -> None:
    way = WAYS[name]
    refused(way.code, way.word, *judged(place, tmp_path, way))
    assert (tmp_path / "v.json").exists() == (way.code != 2)


@pytest.mark.parametrize("name", ["no findings", "a pack that is misspelt", "a control that may be met"])
def test_a_program_of_its_own_answers_alike(place: Place, tmp_path: Path, name: str) -> None:
    way = WAYS[name]
    done = subprocess.run(
        [sys.executable, "-m", "govkit", *map(str, judged(place, tmp_path, way))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == way.code
    assert way.word in " ".join((done.stdout + done.stderr).split())


def test_a_warning_for_everything_lets_nothing_pass_unsaid(place: Place, tmp_path: Path) -> None:
    """Whoever only warns gets 0 where something was measured: never ``PASS``, and each exception is named."""
    way = Way(0, "", SOFT, without(name="accuracy", part={"sex": "f"}))
    code, said = govkit(*judged(place, tmp_path, way))
    assert (code, "PASS_WITH_EXCEPTIONS" in said, "was not measured" in said) == (0, True, True)


# What people sign


def signer(name: str, *roles: Any, signs_as: Sequence[str] = ()) -> tuple[evidence.SigningKey, evidence.Trust]:
    key = evidence.throwaway_key(name, "2026-11-01T00:00:00Z")
    return key, evidence.trust_of(key, roles=roles, signs_as=signs_as)


RISK, VALIDATOR = signer("M. Risk", "waive"), signer("V. Validator", "attest", signs_as=["validator"])
OWNER, STRANGER = signer("O. Owner", "attest", signs_as=["validator"]), signer("M. Risk", "waive")
WAIVER = {
    "id": "W-1", "control": "W", "owner": "T. Trainer", "approver": "M. Risk",
    "reason": "A person reads every letter until January.", "created": DAY, "expires": "2026-12-20",
}  # fmt: skip
REVIEW = {"kind": "independent_review", "signer": "V. Validator", "role": "validator", "signed_at": "2026-11-20",
          "answers": {"scope": "All of it."}}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """One way: what is else in the waiver or the review, who signs it, and whom the judge believes."""

    code: int
    word: str
    waiver: Document | None = None
    review: Document | None = None
    approver: evidence.SigningKey = RISK[0]
    reviewer: evidence.SigningKey = VALIDATOR[0]
    trust: Sequence[evidence.Trust] = (RISK[1], VALIDATOR[1], OWNER[1])
    as_of: str = NOON
    policy: tuple[str, str] = ("", "")
    change: Callable[[Path], object] = lambda _: None


def unsigned(folder: Path) -> None:
    path = folder / "waivers" / "w.sigstore.json"
    path.write_text(json.dumps(evidence.read_unverified(path)), encoding="utf-8")


def emptied(folder: Path) -> None:
    (folder / "waivers" / "w.sigstore.json").unlink()


def edited(folder: Path) -> None:
    path = folder / "waivers" / "w.sigstore.json"
    path.write_bytes(path.read_bytes().replace(b'"payload":"e', b'"payload":"f'))


STATEMENTS = {
    "an expired waiver": Statement(1, "it expired on 2026-12-20", as_of="2026-12-21T00:00:00Z"),
    "a waiver that has not begun": Statement(1, "it begins on 2026-11-28", {"created": "2026-11-28"}),
    "a waiver for another model": Statement(1, "it is for another model", {"model": OTHER}),
    "a waiver for another control": Statement(1, "has no such control", {"control": "w"}),
    "a waiver of missing evidence": Statement(
        1, "missing evidence cannot be waived", {"control": "M"}, policy=(",\n     when: {has: [shifted]}", "")
    ),
    "a waiver of a missing review": Statement(
        1, "missing evidence cannot be waived", {"control": "R"}, {"model": OTHER}
    ),
    "a waiver of something critical": Statement(
        1, "a critical control cannot be waived", policy=("0.95}, severity: high", "0.95}, severity: critical")
    ),
    "a waiver for longer than may be": Statement(1, "lives longer than the 30 days", {"expires": "2027-03-01"}),
    "a waiver for oneself": Statement(1, "owner and approver are the same person", {"owner": "m. risk"}),
    "a waiver of a better value": Statement(1, "is worse than its ceiling 0.9", {"ceiling": 0.9}),
    "a waiver that nobody signed": Statement(2, "UNSIGNED_FIELD", change=unsigned),
    "a waiver that was edited": Statement(2, "waivers", change=edited),
    "a waiver of somebody without the role": Statement(
        2, "KEY_ROLE", {"approver": "V. Validator"}, approver=VALIDATOR[0]
    ),
    "a waiver in the name of somebody else": Statement(2, "UNKNOWN_KEY", approver=STRANGER[0]),
    "a waiver of another name": Statement(2, "WRONG_NAME", {"approver": "O. Owner"}),
    "a waiver of a key that is not yet valid": Statement(2, "KEY_PERIOD", as_of="2026-10-01T00:00:00Z"),
    "a folder of waivers without any": Statement(1, "is beyond the limit", change=emptied),
    "a review that is too old": Statement(1, "it may be at most 365 days old", review={"signed_at": "2025-11-01"}),
    "a review that is over": Statement(1, "valid until 2026-11-26", review={"valid_until": "2026-11-26"}),
    "a review of the future": Statement(1, "after the day of judging", review={"signed_at": "2026-11-28"}),
    "a review of another model": Statement(1, "about another model", review={"model": OTHER}),
    "a review of another kind": Statement(1, "no signed statement of the kind", review={"kind": "independent_revue"}),
    "a review without an answer": Statement(1, "without an answer to scope", review={"answers": {"scope": " \t"}}),
    "a review of no role": Statement(1, "signed as no role", review={"role": ""}),
    "a review in a role that the trust file does not give": Statement(2, "WRONG_ROLE", review={"role": "board"}),
    "a review by the owner": Statement(
        1, "the owner of the policy; expected somebody else", review={"signer": "O. Owner"}, reviewer=OWNER[0]
    ),
    "a review that nobody is asked about": Statement(
        1, "nobody is known as owner", policy=('owner: {name: "O. Owner"}\n', "")
    ),
    "a review by somebody who may only waive": Statement(2, "KEY_ROLE", review={"signer": "M. Risk"}, reviewer=RISK[0]),
    "a trust file of other people": Statement(2, "UNKNOWN_KEY", trust=(RISK[1],)),
}


def people(place: Place, folder: Path, way: Statement) -> Sequence[str | Path]:
    model = place.document()["subject"]["digest"]
    for sort, record, key in (
        ("waivers", Waiver.model_validate({"model": model, **WAIVER, **(way.waiver or {})}), way.approver),
        ("attestations", Attestation.model_validate({"model": model, **REVIEW, **(way.review or {})}), way.reviewer),
    ):
        (folder / sort).mkdir()
        (folder / sort / f"{sort[0]}.sigstore.json").write_bytes(evidence.sign_record(record, key))
    way.change(folder)
    evidence.write_trust(folder / "trust.yaml", evidence.join_trust(way.trust))
    assert way.policy[0] in SIGNED
    write(folder, {"p.yaml": SIGNED.replace(*way.policy), "f.json": place.findings})
    return (
        "judge", folder / "f.json", "--policy", folder / "p.yaml", "--out", folder / "v.json", "--as-of", way.as_of,
        "--waivers", folder / "waivers", "--attestations", folder / "attestations", "--trust", folder / "trust.yaml",
    )  # fmt: skip


def test_with_a_waiver_and_a_review_it_passes(place: Place, tmp_path: Path) -> None:
    code, said = govkit(*people(place, tmp_path, Statement(0, "")))
    assert (code, "PASS_WITH_EXCEPTIONS" in said) == (0, True), said


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_way_through_what_people_sign(place: Place, tmp_path: Path, name: str) -> None:
    way = STATEMENTS[name]
    refused(way.code, way.word, *people(place, tmp_path, way))


# Locks


def lock_of(place: Place, **changes: Any) -> evidence.HeldLock:
    rules, document = gk.resolve_policy(str(place.folder / "p.yaml")), place.document()
    data = {f["data"]["role"]: f["data"]["digest"] for f in document["findings"] if f["data"]}
    locked = LockedPolicy(id="p", version="1.0.0", digest=changes.get("policy", gk.policy_digest(rules)))
    lock = Lock(
        name="CI", policy=locked, data=changes.get("data", data), as_of=changes.get("as_of", "2026-11-20T00:00:00Z"),
        tool={"name": "govkit"},
    )  # fmt: skip
    raw = evidence.sign_lock(lock, changes.get("key", place.key))
    return evidence.HeldLock(lock, raw, evidence_digest(raw))


def evidence_digest(raw: bytes) -> str:
    import base64
    import hashlib

    return "sha256:" + hashlib.sha256(base64.b64decode(json.loads(raw)["dsseEnvelope"]["payload"])).hexdigest()


LOCKS: dict[str, tuple[str, Document]] = {
    "a lock of another policy": ("LOCK_POLICY", {"policy": OTHER}),
    "a lock of other data": ("LOCK_DATA", {"data": {"test": OTHER}}),
    "a lock after the results": ("LOCK_TIME", {"as_of": "2026-11-28T00:00:00Z"}),
    "a lock of somebody unknown": ("UNKNOWN_KEY", {"key": STRANGER[0]}),
}


@pytest.mark.parametrize("name", ["a lock that fits", *LOCKS, "findings without the lock", "a lock that is not named"])
def test_no_way_around_a_lock(place: Place, tmp_path: Path, name: str) -> None:
    word, changes = LOCKS.get(name, ("", {}))
    lock = lock_of(place, **changes)
    document = place.document() | ({} if name.startswith("findings") else {"lock": lock.payload_sha256})
    write(tmp_path, {"f.json": json.dumps(document)})
    (tmp_path / "a.lock").write_bytes(lock.raw)
    held = ("--lock", tmp_path / "a.lock", "--trust", place.folder / "ci" / "trust.yaml")
    command = ("judge", tmp_path / "f.json", "--policy", place.folder / "p.yaml", "--out", tmp_path / "v.json")
    if name == "a lock that fits":
        assert govkit(*command, "--as-of", NOON, *held)[0] == 0
    elif name == "a lock that is not named":
        refused(2, "name it with --lock", *command, "--as-of", NOON)
    else:
        refused(2, word or "LOCK_MISMATCH", *command, "--as-of", NOON, *held)


# Bundles


def sealed(place: Place, folder: Path, policy: str) -> Path:
    """A bundle of the findings, judged by a policy, without its pages."""
    rules = gk.resolve_policy(str(place.folder / policy))
    reference = {"id": rules.id, "version": rules.version, "digest": gk.policy_digest(rules)}
    folder.mkdir()
    gk.write_findings(folder / "f.json", {**place.document(), "policy": reference})
    gk.write_verdict(folder / "v.json", gk.judge(folder / "f.json", rules, as_of=NOON))
    made = gk.attest(
        folder / "f.json", folder / "v.json", audit_file=place.folder / "audit.yaml", out=folder / "bundle",
        key=place.key, policy=str(place.folder / policy),
    )  # fmt: skip
    gk.seal(made, model=place.folder / "rows.csv", key=place.key)
    return made


@pytest.fixture(scope="module")
def bundles(place: Place, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A bundle that passes and one that blocks, of the same model."""
    folder = tmp_path_factory.mktemp("bundles")
    return sealed(place, folder / "good", "p.yaml"), sealed(place, folder / "bad", "strict.yaml")


def swap(*names: str) -> Callable[[Path, Path], None]:
    """Files of the bundle that passes, laid into the one that does not."""

    def change(bundle: Path, good: Path) -> None:
        for name in names:
            shutil.copy(good / name, bundle / name)

    return change


def loosen(bundle: Path, _: Path) -> None:
    path = bundle / "policy.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("0.95", "0.05"), encoding="utf-8")


def lose(name: str) -> Callable[[Path, Path], None]:
    return lambda bundle, _: (bundle / name).unlink()


BUNDLES: dict[str, tuple[int, str, Callable[[Path, Path], object]]] = {
    "a bundle that blocks": (1, "BLOCK", lambda *_: None),
    "the verdict swapped": (4, "BOUND_FILE", swap("verdict.sigstore.json")),
    "the findings swapped": (4, "BOUND_FILE", swap("findings.sigstore.json")),
    "the policy swapped": (4, "BOUND_FILE", swap("policy.yaml")),
    "a limit of the policy loosened": (4, "BOUND_FILE", loosen),
    "the release swapped": (4, "BOUND_FILE", swap("release.sigstore.json")),
    "the release and the verdict swapped": (4, "BOUND_FILE", swap("release.sigstore.json", "verdict.sigstore.json")),
    "the release missing": (4, "MISSING_FILE", lose("release.sigstore.json")),
    "the verdict missing": (4, "MISSING_FILE", lose("verdict.sigstore.json")),
    "the policy missing": (4, "MISSING_FILE", lose("policy.yaml")),
    "the audit file missing": (4, "MISSING_FILE", lose("audit.yaml")),
    "a file more": (4, "EXTRA_FILE", lambda bundle, _: (bundle / "PASS").touch()),
    "an empty folder": (4, "MISSING_FILE", lambda bundle, _: [path.unlink() for path in bundle.iterdir()]),
}


def verify(place: Place, bundle: Path, **changes: str | Path) -> Sequence[str | Path]:
    options: dict[str, str | Path] = {
        "model": place.folder / "rows.csv", "trust": place.folder / "ci" / "trust.yaml", "as-of": NOON, **changes,
    }  # fmt: skip
    return ("verify", bundle, *(part for name, value in options.items() for part in (f"--{name}", value)))


@pytest.mark.parametrize("name", BUNDLES)
def test_no_way_through_a_bundle(place: Place, bundles: tuple[Path, Path], tmp_path: Path, name: str) -> None:
    code, word, change = BUNDLES[name]
    shutil.copytree(bundles[1], tmp_path / "bundle")
    change(tmp_path / "bundle", bundles[0])
    refused(code, word, *verify(place, tmp_path / "bundle"))


def test_no_way_for_a_bundle_that_passes_and_something_else(
    place: Place, bundles: tuple[Path, Path], tmp_path: Path
) -> None:
    good = bundles[0]
    assert govkit(*verify(place, good))[0] == 0
    table().iloc[:-1].to_csv(tmp_path / "rows.csv", index=False)
    refused(4, "MODEL_MISMATCH", *verify(place, good, model=tmp_path / "rows.csv"))
    refused(4, "POLICY_SWAPPED", *verify(place, good, policy=str(place.folder / "strict.yaml")))
    refused(2, "did you mean", *verify(place, good, policy="nist-ai-rfm-core"))
    refused(2, "no such folder", *verify(place, tmp_path / "none"))
    trust = evidence.read_trust(place.folder / "ci" / "trust.yaml").keys[0]
    for role in ("audit", "gate", "release"):
        fewer = tuple(each for each in trust.roles if each != role)
        evidence.write_trust(tmp_path / "t.yaml", evidence.Trust(keys=(trust.model_copy(update={"roles": fewer}),)))
        refused(4, "KEY_ROLE", *verify(place, good, trust=tmp_path / "t.yaml"))
    evidence.write_trust(tmp_path / "t.yaml", RISK[1])
    refused(4, "UNKNOWN_KEY", *verify(place, good, trust=tmp_path / "t.yaml"))
    write(tmp_path, {"t.yaml": "schema: govkit.trust/v1\nkeys: []\n"})
    refused(2, "keys", *verify(place, good, trust=tmp_path / "t.yaml"))


# Rows and audit files


def coin(frame: pd.DataFrame) -> pd.DataFrame:
    """A model that was never trained."""
    return frame.assign(score=np.random.default_rng(7).uniform(size=len(frame)).round(4))


ROWS: dict[str, tuple[int, str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "a model that was never trained": (1, "BLOCK", coin),
    "one row": (3, "REVIEW", lambda frame: frame.iloc[:1]),
    "labels that are all the same": (1, "BLOCK", lambda frame: frame.assign(label=1)),
    "one answer for all": (1, "BLOCK", lambda frame: frame.assign(score=0.5)),
    "one answer, and labels like it": (3, "REVIEW", lambda frame: frame.assign(label=1, score=1.0)),
}


@pytest.mark.parametrize("name", ROWS)
def test_no_way_for_rows_that_say_nothing(tmp_path: Path, name: str) -> None:
    code, word, change = ROWS[name]
    change(table()).to_csv(tmp_path / "rows.csv", index=False)
    write(tmp_path, {"audit.yaml": AUDIT.replace("p.yaml", "nist-ai-rmf-core")})
    assert govkit("measure", tmp_path / "audit.yaml", "--out", tmp_path / "f.json")[0] == 0
    judge = ("judge", tmp_path / "f.json", "--policy", "nist-ai-rmf-core", "--out", tmp_path / "v.json")
    refused(code, word, *judge, "--as-of", NOON)


AUDITS: dict[str, tuple[str, str, str]] = {
    "an empty audit file": ("the file is empty", AUDIT, ""),
    "an audit file of another version": ("govkit.audit/v1", "audit/v1", "audit/v2"),
    "a group column that is misspelt": ("sexx", "groups: [sex]", "groups: [sexx]"),
    "a label column that is misspelt": ("lable", "label: label", "label: lable"),
    "a policy that is misspelt": ("did you mean 'nist-ai-rmf-core'", "policy: p.yaml", "policy: nist-ai-rmf-cor"),
    "a policy of no name": ("policy", "policy: p.yaml", "policy: ''"),
    "a key that is misspelt": ("unknown key 'polcy'", "policy:", "polcy:"),
    "a file that is not there": ("row.csv", "rows.csv", "row.csv"),
}


@pytest.mark.parametrize("name", [*AUDITS, "no rows"])
def test_no_way_through_an_audit_file(place: Place, tmp_path: Path, name: str) -> None:
    word, *change = AUDITS.get(name, ("no rows", "", ""))
    table(0 if name == "no rows" else 60).to_csv(tmp_path / "rows.csv", index=False)
    write(tmp_path, {"audit.yaml": AUDIT.replace(*change), "p.yaml": POLICY})
    refused(2, word, "audit", tmp_path / "audit.yaml", "--out", tmp_path / "evidence")
    assert not (tmp_path / "evidence").exists()


def test_no_way_through_a_cache_that_was_touched(place: Place, tmp_path: Path) -> None:
    """What was measured to fail fails again, whatever is written over what was kept."""
    shutil.copytree(place.folder, tmp_path / "here")
    here = tmp_path / "here"
    measure = ("measure", here / "audit.yaml", "--policy", here / "strict.yaml", "--cache", here / "kept", "--out")
    assert govkit(*measure, here / "one.json")[0] == 0
    for entry in (here / "kept").iterdir():
        document = json.loads(entry.read_bytes())
        for found in picked(document):
            found.update(value=1.0, bounds=[{"level": level, "low": 1.0, "high": 1.0} for level in LEVELS])
        entry.write_text(json.dumps(document), encoding="utf-8")
    assert govkit(*measure, here / "two.json")[0] == 0
    judge = ("judge", here / "two.json", "--policy", here / "strict.yaml", "--out", here / "v.json")
    refused(1, "is beyond the limit 0.95", *judge, "--as-of", NOON)


def test_no_way_by_stopping_early(place: Place, tmp_path: Path) -> None:
    options = ("--policy", place.folder / "strict.yaml", "--fail-fast", "--out", tmp_path / "evidence")
    refused(1, "Verdict: BLOCK", "audit", place.folder / "audit.yaml", *options, "--as-of", NOON)
