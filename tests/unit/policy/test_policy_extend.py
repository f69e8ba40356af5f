from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from govkit.core import Attestation, Policy, Recorded
from govkit.errors import PolicyError
from govkit.policy import digest, dump, judge, load
from govkit.policy.inheritance import TABLE, WAYS, rows
from govkit.policy.read import MAX_PARENTS
from govkit.resources import find

Text = Callable[..., str]
Write = Callable[..., Path]

TOP = "schema: govkit.policy/v1\nid: child\nversion: 1.0.0\nextends: [policy.yaml]\n"


@pytest.fixture
def child(write: Write, text: Text) -> Callable[..., Path]:
    def writing(body: str, **parent: str) -> Path:
        write(text(head="slices: {sex: {by: sex, min_n: 50}}\n", tail="    over: [sex]\n", **parent))
        return write(TOP + body, "child.yaml")

    return writing


def test_a_child_without_controls_holds_those_of_its_parent(child: Callable[..., Path]) -> None:
    policy = load(child(""))
    assert [control.id for control in policy.controls] == ["A-1"]
    assert (policy.id, policy.extends, policy.slices["sex"].min_n) == ("child", (), 50)


def test_a_child_may_tighten_key_by_key(child: Callable[..., Path]) -> None:
    body = (
        "controls:\n  - {id: A-1, require: {min: 0.85, max: 0.99}, severity: high, "
        "confidence: 0.99, over: [sex, groups]}\n"
    )
    control = load(child(body)).controls[0]
    assert control.require is not None
    assert (control.require.min, control.require.max, control.severity) == (0.85, 0.99, "high")
    assert control.title == "Right often enough"


def test_a_child_adds_controls_risks_and_slices(child: Callable[..., Path]) -> None:
    body = (
        "slices: {age: {by: age}}\n"
        "controls:\n  - {id: B-1, title: t, rmf: [MAP 1.1], attest: {kind: intended_use}, severity: low}\n"
        "risks:\n  - {id: R, description: d, impact: 1, likelihood: 2, controls: [B-1]}\n"
    )
    policy = load(child(body))
    assert [control.id for control in policy.controls] == ["A-1", "B-1"]
    assert (sorted(policy.slices), policy.risks[0].controls) == (["age", "sex"], ("B-1",))


LOOSER = [
    ("require", "require: {min: 0.7}"),
    ("require", "require: {min: null, max: 0.5}"),
    ("severity", "severity: low"),
    ("on_fail", "on_fail: review"),
    ("on_missing", "on_missing: review"),
    ("confidence", "confidence: 0.9"),
    ("when", "when: {has: [base]}"),
    ("metric", "metric: log_loss"),
    ("check", "check: other"),
    ("data", "data: train"),
    ("of", "of: base"),
    ("compared_with", "compared_with: trivial"),
    ("params", "params: {bins: 2}"),
    ("rmf", "rmf: [MEASURE 2.3]"),
    ("over", "over: [groups]"),
    ("over", "over: []"),
]


@pytest.mark.parametrize(("field", "change"), LOOSER)
def test_loosening_is_refused_and_a_relax_entry_allows_it(child: Callable[..., Path], field: str, change: str) -> None:
    body = f"controls:\n  - id: A-1\n    {change}\n"
    with pytest.raises(PolicyError, match=f"child.yaml:7: control A-1: {field} is looser") as caught:
        load(child(body))
    assert "relax" in str(caught.value)
    entry = f"control: A-1, field: {field}, reason: agreed in the risk meeting, approver: M, expires: 2027-05-31"
    relax = f"relax:\n  - {{{entry}}}\n"
    assert load(child(body + relax)).relax[0].field == field


def test_a_lower_confidence_of_the_whole_policy_is_a_loosening(child: Callable[..., Path]) -> None:
    with pytest.raises(PolicyError, match="confidence is looser"):
        load(child("decision: {confidence: 0.9}\n"))


def test_another_slice_of_the_same_name_is_a_loosening(child: Callable[..., Path]) -> None:
    with pytest.raises(PolicyError, match="over is looser"):
        load(child("slices: {sex: {by: sex, min_n: 5000, below_min: report}}\n"))


def test_a_later_review_and_a_smaller_risk_are_loosenings(write: Write, text: Text) -> None:
    write(text() + "risks:\n  - {id: R, description: d, impact: 4, likelihood: 3, controls: [A-1]}\n")
    for body, field in (
        ("review_by: 2099-01-01\n", "the policy: review_by"),
        ("review_by: null\n", "the policy: review_by"),
        ("risks:\n  - {id: R, impact: 1}\n", "risk R: impact"),
        ("risks:\n  - {id: R, likelihood: 1}\n", "risk R: likelihood"),
        ("risks:\n  - {id: R, controls: []}\n", "risk R: controls"),
    ):
        with pytest.raises(PolicyError, match=f"{field} is looser"):
            load(write(TOP + body, "child.yaml"))
    assert (
        load(write(TOP + "review_by: 2029-01-01\nrisks:\n  - {id: R, impact: 5}\n", "child.yaml")).risks[0].impact == 5
    )


def test_of_two_parents_either_may_relax_what_it_inherits_and_the_first_review_counts(write: Write, text: Text) -> None:
    write(text())
    entry = "control: A-1, field: require, reason: agreed in the risk meeting, approver: M, expires: 2027-05-31"
    relaxed = f"relax:\n  - {{{entry}}}\ncontrols:\n  - {{id: A-1, require: {{min: 0.5}}}}\n"
    write(TOP.replace("id: child", "id: soft") + "review_by: 2028-01-01\n" + relaxed, "soft.yaml")
    write(text(id="B-1"), "other.yaml")
    for order in ("other.yaml, soft.yaml", "soft.yaml, other.yaml"):
        both = load(write(TOP.replace("policy.yaml", order), "child.yaml"))
        assert (len(both.controls), len(both.relax), str(both.review_by)) == (2, 1, "2028-01-01")


def test_relax_needs_a_reason_and_a_loosening(child: Callable[..., Path]) -> None:
    with pytest.raises(PolicyError, match="at least 20 characters"):
        load(child("relax:\n  - {control: A-1, field: require, reason: short, approver: M, expires: 2027-05-31}\n"))
    entry = "control: A-1, field: requir, reason: agreed in the risk meeting, approver: M, expires: 2027-05-31"
    idle = f"relax:\n  - {{{entry}}}\n"
    with pytest.raises(
        PolicyError, match=r"child.yaml:6: relax A-1 requir covers no loosening.*did you mean 'require'"
    ):
        load(child(idle))


def test_an_attestation_may_only_tighten(write: Write) -> None:
    def policy(name: str, attest: str, extends: str = "") -> Path:
        control = f"{{id: G, title: t, rmf: [MAP 1.1], severity: low, attest: {attest}}}"
        return write(f"schema: govkit.policy/v1\nid: g\nversion: 1.0.0\n{extends}controls: [{control}]\n", name)

    policy("parent.yaml", "{kind: a, signer_role: r, max_age_days: 100, fields: [x]}")
    up = "extends: parent.yaml\n"
    assert load(policy("a.yaml", "{kind: a, max_age_days: 50, fields: [x, y]}", up)).controls[0].attest
    for looser in ("{kind: b}", "{kind: a, signer_role: s}", "{kind: a, max_age_days: 200}", "{kind: a, fields: []}"):
        with pytest.raises(PolicyError, match="attest is looser"):
            load(policy("b.yaml", looser, up))


def test_errors_of_a_child_point_at_its_own_lines(child: Callable[..., Path]) -> None:
    with pytest.raises(PolicyError, match=r"child.yaml:6: controls.A-1.requir: unknown key 'requir'"):
        load(child("controls:\n  - {id: A-1, requir: {min: 0.9}}\n"))
    with pytest.raises(PolicyError, match=r"child.yaml:5: controls: "):
        load(child("controls: 3\n"))
    with pytest.raises(PolicyError, match="stands more than once"):
        load(child("controls:\n  - {id: A-1}\n  - {id: A-1, severity: high}\n"))


def test_a_chain_of_parents_may_be_as_long_as_the_limit_and_no_longer(write: Write, text: Text) -> None:
    last = write(text(), "0.yaml")
    for at in range(1, MAX_PARENTS + 2):
        assert load(last).controls
        last = write(f"schema: govkit.policy/v1\nid: child\nversion: 1.0.0\nextends: [{at - 1}.yaml]\n", f"{at}.yaml")
    with pytest.raises(PolicyError, match=f"more than {MAX_PARENTS} policies extend each other"):
        load(last)


def test_circles_and_unknown_parents_are_refused(write: Write, text: Text) -> None:
    one = write(text(head="extends: [two.yaml]\n"), "one.yaml")
    write(text(head="extends: [one.yaml]\n"), "two.yaml")
    with pytest.raises(PolicyError, match="extend each other in a circle"):
        load(one)
    with pytest.raises(PolicyError, match=r"own.yaml:5: .*in a circle"):
        load(write(text(head="extends: own.yaml\n"), "own.yaml"))
    with pytest.raises(PolicyError, match="did you mean 'nist-ai-rmf-core'"):
        load(write(text(head="extends: nist-ai-rmf-cor\n"), "a.yaml"))
    with pytest.raises(PolicyError, match=r"a.yaml:5: .*cannot be read"):
        load(write(text(head="extends: ../gone.yaml\n"), "a.yaml"))
    with pytest.raises(PolicyError, match="expected a list of names"):
        load(write(text(head="extends: {a: 1}\n"), "a.yaml"))


def test_of_two_parents_the_later_may_only_tighten(write: Write, text: Text) -> None:
    write(text(), "low.yaml")
    write(text(require="{min: 0.9}"), "high.yaml")
    top = "schema: govkit.policy/v1\nid: child\nversion: 1.0.0\nextends: "
    require = load(write(top + "[low.yaml, high.yaml]\n", "c.yaml")).controls[0].require
    assert require is not None
    assert require.min == 0.9
    with pytest.raises(PolicyError, match="require is looser"):
        load(write(top + "[high.yaml, low.yaml]\n", "c.yaml"))


def test_the_pack_can_be_extended_and_the_result_stands_alone(write: Write) -> None:
    body = "schema: govkit.policy/v1\nid: mine\nversion: 2.0.0\nextends: ['govkit:nist-ai-rmf-core@0']\n"
    path = write(body + "controls:\n  - {id: CAL-01, require: {max: 0.03}}\n")
    policy = load(path)
    again = load(write(dump(policy), "resolved.yaml"))
    assert (again, digest(again)) == (policy, digest(policy))
    assert len(policy.controls) == len(load("nist-ai-rmf-core").controls)


WATCHED = "{id: W-1, title: Still right, watch: accuracy, limit: 0.02, then: retrain, authority: {level: none}}"


@pytest.fixture
def watching(write: Write, text: Text) -> Callable[[str], Path]:
    """A child of a policy with the trigger W-1."""

    def writing(body: str) -> Path:
        write(text() + f"triggers:\n  - {WATCHED}\n")
        return write(TOP + body, "child.yaml")

    return writing


def test_triggers_are_inherited(watching: Callable[[str], Path]) -> None:
    (trigger,) = load(watching("")).triggers
    assert (trigger.id, trigger.watch, trigger.limit, trigger.then) == ("W-1", "accuracy", 0.02, "retrain")


def test_a_child_may_tighten_a_trigger_and_add_others(watching: Callable[[str], Path]) -> None:
    more = WATCHED.replace("W-1", "W-2").replace("accuracy", "shift")
    body = f"triggers:\n  - {{id: W-1, limit: 0.01, then: withdraw, title: Always right}}\n  - {more}\n"
    first, second = load(watching(body)).triggers
    assert (first.limit, first.then, first.watch, first.title) == (0.01, "withdraw", "accuracy", "Always right")
    assert (second.id, second.watch) == ("W-2", "shift")


@pytest.mark.parametrize(
    ("field", "change"), [("limit", "limit: 0.03"), ("then", "then: review"), ("watch", "watch: missing")]
)
def test_a_looser_trigger_is_refused_and_a_relax_entry_allows_it(
    watching: Callable[[str], Path], field: str, change: str
) -> None:
    body = f"triggers:\n  - id: W-1\n    {change}\n"
    with pytest.raises(PolicyError, match=rf"child.yaml:7: .*W-1: {field} is looser than in mine"):
        load(watching(body))
    entry = f"control: W-1, field: {field}, reason: agreed in the risk meeting, approver: M, expires: 2027-05-31"
    relax = f"relax:\n  - {{{entry}}}\n"
    policy = load(watching(body + relax))
    assert policy.relax[0].control == "W-1"
    assert str(getattr(policy.triggers[0], field)) == change.split(": ")[1]


def test_relax_of_a_trigger_needs_a_loosening(watching: Callable[[str], Path]) -> None:
    entry = "control: W-1, field: limit, reason: agreed in the risk meeting, approver: M, expires: 2027-05-31"
    relax = f"relax:\n  - {{{entry}}}\n"
    with pytest.raises(PolicyError, match="relax W-1 limit covers no loosening"):
        load(watching(relax))


@pytest.mark.parametrize("twice", ["W-1", "A-1"])
def test_an_id_is_that_of_one_trigger_or_one_control(watching: Callable[[str], Path], twice: str) -> None:
    more = WATCHED.replace("W-1", twice)
    with pytest.raises(PolicyError, match=f"{twice} stands more than once"):
        load(watching(f"triggers:\n  - {more}\n" + (f"  - {more}\n" if twice == "W-1" else "")))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("limit: -0.1", "limit"),
        ("limit: 2", "limit"),
        ("limit: .nan", "limit"),
        ("then: hope", "then"),
        ("watch: weather", "watch"),
        ("lmit: 0.1", "did you mean 'limit'"),
    ],
)
def test_a_trigger_that_makes_no_sense_is_refused_at_its_line(
    watching: Callable[[str], Path], change: str, said: str
) -> None:
    with pytest.raises(PolicyError, match=r"child.yaml:[67]: triggers.W-1") as caught:
        load(watching(f"triggers:\n  - id: W-1\n    {change}\n"))
    assert said in str(caught.value)


def test_a_policy_with_triggers_stands_alone_and_they_are_part_of_its_digest(
    watching: Callable[[str], Path], write: Write
) -> None:
    policy = load(watching("triggers:\n  - {id: W-1, limit: 0.01}\n"))
    assert load(write(dump(policy), "resolved.yaml")) == policy
    assert digest(policy) != digest(load(watching("")))


# The policy as a whole


@pytest.mark.parametrize(
    ("inherited", "own", "field"),
    [
        ("tier: high\n", "tier: low\n", "tier"),
        ("applies: {modality: [text]}\n", "applies: {modality: [text, image]}\n", "applies"),
        ("applies: {modality: [text]}\n", "applies: {task: [binary]}\n", "applies"),
        ("applies: {has: [base, run]}\n", "applies: {has: [base]}\n", "applies"),
    ],
)
def test_a_policy_that_lets_more_in_is_looser(tmp_path: Path, inherited: str, own: str, field: str) -> None:
    control = "controls:\n  - {id: A-1, title: t, rmf: [MEASURE 1.3], attest: {kind: review}, severity: low}\n"
    top = "schema: govkit.policy/v1\nid: mine\nversion: 1.0.0\n"
    (tmp_path / "parent.yaml").write_text(top + inherited + control, encoding="utf-8")
    child = tmp_path / "child.yaml"
    child.write_text(f"{top}extends: [parent.yaml]\n{own}", encoding="utf-8")
    with pytest.raises(PolicyError, match=f"the policy: {field} is looser than in mine"):
        load(child)
    entry = f"control: policy, field: {field}, reason: agreed in the risk meeting, approver: M, expires: 2027-05-31"
    child.write_text(f"{top}extends: [parent.yaml]\n{own}relax:\n  - {{{entry}}}\n", encoding="utf-8")
    assert load(child).relax[0].control == "policy"


def test_a_policy_that_lets_less_in_is_no_looser(tmp_path: Path) -> None:
    control = "controls:\n  - {id: A-1, title: t, rmf: [MEASURE 1.3], attest: {kind: review}, severity: low}\n"
    top = "schema: govkit.policy/v1\nid: mine\nversion: 1.0.0\n"
    (tmp_path / "parent.yaml").write_text(f"{top}applies: {{modality: [text, image]}}\n{control}", encoding="utf-8")
    child = tmp_path / "child.yaml"
    own = "applies: {modality: [text], has: [base]}\n"
    child.write_text(f"{top}extends: [parent.yaml]\n{own}", encoding="utf-8")
    policy = load(child)
    assert policy.applies is not None
    assert policy.applies.modality == ("text",)


def test_every_field_of_a_policy_has_a_row_in_the_table_of_inheritance() -> None:
    """Whoever adds a field says whether a child may change it."""
    known: set[type[Recorded]] = {Policy}
    waiting: list[type[Recorded]] = [Policy]
    while waiting:
        for info in waiting.pop().model_fields.values():
            found = set(_classes(info.annotation)) - known
            known |= found
            waiting += found
    assert set(TABLE) == known
    for model, fields in TABLE.items():
        assert set(fields) == set(model.model_fields), model
        assert set(fields.values()) <= set(WAYS), model


def _classes(kind: object) -> Iterator[type[Recorded]]:
    if isinstance(kind, type) and issubclass(kind, Recorded):
        yield kind
    for inner in get_args(kind):
        yield from _classes(inner)


def test_the_page_shows_the_table() -> None:
    text = (find("policies").parent / "docs/inheriting.md").read_text(encoding="utf-8")
    lines = "\n".join(f"| {model} | `{field}` | {may} |" for model, field, may in rows())
    assert lines in text, f"docs/inheriting.md:\n{lines}"


def test_who_is_replaced_as_owner_still_is_one(write: Write) -> None:
    """Else the owner of the parent could sign what nobody but another person may."""
    asked = "{id: S, title: t, rmf: [MEASURE 1.3], attest: {kind: review, not_same_as: [owner]}, severity: high}"
    head = "schema: govkit.policy/v1\nversion: 1.0.0\n"
    write(f"{head}id: a\nowner: {{name: Ada}}\ncontrols:\n  - {asked}\n", "a.yaml")
    write(f"{head}id: b\nextends: [a.yaml]\nowner: {{name: Bob}}\n", "b.yaml")
    policy = load(write(f"{head}id: c\nextends: [b.yaml]\nowner: {{name: Cy}}\n", "c.yaml"))
    assert policy.owner is not None
    assert (policy.owner.name, [each.name for each in policy.inherited_owners]) == ("Cy", ["Ada", "Bob"])
    for signer, state in (("Ada", "missing"), ("bob", "missing"), ("Cy", "missing"), ("Di", "pass")):
        signed = Attestation(kind="review", model="sha256:" + "a" * 64, signer=signer, signed_at="2026-11-24")
        found = judge(policy, [], subject=signed.model, as_of="2026-11-24", attestations=[signed])
        assert found.rulings[0].state == state, signer
    same = load(write(f"{head}id: d\nextends: [a.yaml]\nowner: {{name: Ada}}\n", "d.yaml"))
    assert not same.inherited_owners


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("title", "title: Something else"),
        ("authority", "authority: {level: none, note: mine}"),
        ("authority", "authority: {level: publication, ref: fda_gmlp}"),
    ],
)
def test_a_rule_keeps_its_name_and_its_authority(write: Write, field: str, change: str) -> None:
    control = (
        "{id: A, title: Right, rmf: [MEASURE 2.3], check: performance, metric: accuracy, require: {min: 0.8}, "
        "authority: {level: publication, ref: nist_ai_rmf}, severity: medium}"
    )
    head = "schema: govkit.policy/v1\nversion: 1.0.0\n"
    write(f"{head}id: a\ncontrols:\n  - {control}\n", "a.yaml")
    with pytest.raises(PolicyError, match=f"{field} is looser"):
        load(write(f"{head}id: b\nextends: [a.yaml]\ncontrols:\n  - {{id: A, {change}}}\n", "b.yaml"))
    own = f"{head}id: b\nextends: [a.yaml]\ncontrols:\n  - {{id: A, {change}, require: {{min: 0.9}}}}\n"
    assert load(write(own, "b.yaml")).controls[0].require.min == 0.9
    higher = (
        f"{head}id: b\nextends: [a.yaml]\ncontrols:\n  - {{id: A, authority: {{level: statute, ref: eu_ai_act}}}}\n"
    )
    assert load(write(higher, "b.yaml")).controls[0].authority.level == "statute"
