"""``govkit policy init``: ten plain questions, and the two files that follow from the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from govkit import documents
from govkit.core import Check, Policy
from govkit.core.recorded import Recorded
from govkit.errors import PolicyError
from govkit.policy.chances import Situation, decidable
from govkit.policy.inheritance import ORDERS
from govkit.policy.planning import situation
from govkit.policy.read import load, packs

Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")
]


class Answers(Recorded):
    """The answers, one key a question; also the form of an ``--answers`` file."""

    who: Literal["business", "school", "clinic", "engineer"]
    reads: Literal["text", "image", "table"]
    people: bool
    groups: Annotated[tuple[Line, ...], Field(max_length=20)] = ()
    harm: Literal["little", "money", "people"]
    base: Literal["weights", "closed", "no"]
    incumbent: bool
    rows: Annotated[int, Field(ge=1, le=10**9)]
    table: Line
    owner: Line


@dataclass(frozen=True)
class Question:
    """A question and how it is answered.

    Attributes:
        key: Key of ``Answers``.
        asks: The question.
        words: Possible answers; empty for a text of one's own.
        form: What such a text is to be.
    """

    key: str
    asks: str
    words: tuple[str, ...] = ()
    form: str = ""


QUESTIONS = (
    Question("who", "What are you, or whom do you work for?", ("business", "school", "clinic", "engineer")),
    Question("reads", "What does the model read?", ("text", "image", "table")),
    Question("people", "Does its answer help to decide about people?", ("yes", "no")),
    Question(
        "groups",
        "Which columns of your table say what group a person is of, such as sex or age?",
        form="names with commas, or none",
    ),
    Question("harm", "What does a wrong answer cost: little, money, or harm to people?", ("little", "money", "people")),
    Question(
        "base",
        "The model before its tuning: do you have its weights, is it closed at a supplier, or is there no such model?",
        ("weights", "closed", "no"),
    ),
    Question("incumbent", "Do you use a model today that this one would replace?", ("yes", "no")),
    Question(
        "rows",
        "On how many examples that it has never seen will you test it?",
        form="a whole number from 1 to 1000000000",
    ),
    Question("table", "Which file holds these examples and the model's answers to them?", form="the path of a table"),
    Question("owner", "Who answers for these rules?", form="a name"),
)

_TIER: Mapping[str, Literal["low", "medium", "high"]] = {"little": "low", "money": "medium", "people": "high"}
_PACK = {"business": "small-business", "school": "education", "clinic": "health-gmlp-change"}
_INPUT: Mapping[str, str | None] = {"text": "text", "image": "image", "table": None}


def understood(question: Question, text: str) -> Any:
    """The value of an answer that somebody typed.

    Raises:
        PolicyError: It is no answer to the question; says what one would be.
    """
    said = text.strip()
    value: Any = said
    if question.words:
        fits = [word for word in question.words if said and word.startswith(said.lower())]
        if len(fits) != 1:
            raise PolicyError(f"expected {' or '.join(question.words)}; found {said[:40]!r}")
        value = {"yes": True, "no": False}.get(fits[0], fits[0]) if "yes" in question.words else fits[0]
    elif question.key == "groups":
        names = tuple(name.strip() for name in said.split(","))
        value = () if said.lower() in ("", "none") else names
    elif question.key == "rows":
        value = int(said) if said.isascii() and said.isdecimal() and len(said) < 12 else said
    try:
        return TypeAdapter(Answers.model_fields[question.key].rebuild_annotation()).validate_python(value)
    except ValidationError:
        raise PolicyError(f"expected {question.form or 'an answer'}; found {said[:40]!a}") from None


def begin(answers: Answers, *, name: str, as_of: date, catalog: Mapping[str, Check]) -> dict[str, str]:
    """The files of a beginning: ``policy.yaml`` and ``audit.yaml``, as text.

    Args:
        answers: The answers.
        name: Id of the policy.
        as_of: Today; the policy is to be reviewed within a year, and no later than what it extends.
        catalog: Checks by name.
    """
    parent = _parent(answers)
    ground = load(parent)
    tier = max(_TIER[answers.harm], ground.tier, key=ORDERS["tier"].index)
    about = "It decides about people. " if answers.people else ""
    policy: dict[str, Any] = {
        "schema": "govkit.policy/v1",
        "id": name,
        "version": "0.1.0",
        "title": f"Rules for {name}",
        "extends": [f"govkit:{parent}@{ground.version.split('.')[0]}"],
        "owner": {"name": answers.owner, "role": answers.who},
        "review_by": min(as_of + timedelta(days=365), ground.review_by or date.max).isoformat(),
        "tier": tier,
        "tier_rationale": f"{about}A wrong answer costs {answers.harm}; the rules inherited ask for {ground.tier}.",
    }
    remarks = ["See what it asks: govkit policy show; why: govkit policy explain; rows: govkit policy plan."]
    short = _short(ground, answers.rows, catalog)
    if short:
        remarks.append(f"With {answers.rows} test rows these could not pass even if all came out right, and stay open:")
        remarks.append(f"{', '.join(short)}. Say planned: {{rows: {{test: N}}}} once there are more.")
    else:
        policy["planned"] = {"rows": {"test": answers.rows}}
    return {"policy.yaml": _text(policy, remarks), "audit.yaml": _text(_audit(answers, name), _renamed(answers))}


def _parent(answers: Answers) -> str:
    """The pack that fits; the general one where it does not ship."""
    wanted = ["closed-base-api"] if answers.base == "closed" else []
    wanted += [_PACK[answers.who]] if answers.who in _PACK else []
    wanted += [f"tier-{_TIER[answers.harm]}", "nist-ai-rmf-core"]
    return next(name for name in wanted if name in packs())


def _short(ground: Policy, rows: int, catalog: Mapping[str, Check]) -> list[str]:
    """Controls that this number of test rows could never clear."""
    asked = [each for each in ground.controls if each.data == "test" and not each.over]
    cases = {each.id: situation(each, ground, catalog) for each in asked}
    return [name for name, case in cases.items() if isinstance(case, Situation) and not decidable(case, rows)]


def _audit(answers: Answers, name: str) -> dict[str, Any]:
    columns: dict[str, Any] = {"label": "label", "score": "score"}
    if _INPUT[answers.reads] is not None:
        columns = {"input": _INPUT[answers.reads], **columns}
    columns |= {"base_score": "base_score"} if answers.base != "no" else {}
    columns |= {"incumbent_score": "incumbent_score"} if answers.incumbent else {}
    columns |= {"groups": list(answers.groups)} if answers.groups else {}
    return {
        "schema": "govkit.audit/v1",
        "name": name,
        "subject": {"predictions": answers.table},
        "columns": columns,
        **({"absent": absent} if (absent := _absent(answers)) else {}),
        "policy": "policy.yaml",
    }


def _absent(answers: Answers) -> dict[str, str]:
    """What there is none of, by the answers; where people are judged, groups are not absent but unknown."""
    none = {
        "base": (answers.base == "no", "there is no model before the tuning"),
        "groups": (not (answers.groups or answers.people), "the answers decide nothing about people"),
        "incumbent": (not answers.incumbent, "no model is in use today"),
    }
    return {name: reason for name, (there_is_none, reason) in none.items() if there_is_none}


def _renamed(answers: Answers) -> list[str]:
    also = [" of the base" if answers.base != "no" else "", " of the model in service" if answers.incumbent else ""]
    rivals = f" base_score and incumbent_score are those{' and'.join(filter(None, also))}." if any(also) else ""
    return [
        "Write the names of your columns: label is the true class, score the probability of the positive one.",
        *([rivals.strip()] if rivals else []),
        "With the model itself at hand, subject: {model: FOLDER} or {run: run.json} lets more checks run.",
    ]


def _text(data: dict[str, Any], remarks: list[str]) -> str:
    return "".join(f"# {remark}\n" for remark in remarks) + documents.dump(data)
