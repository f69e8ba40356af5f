"""The way of a person's statement: a form in plain YAML, filled in by hand, checked, signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from govkit import documents, evidence, manifest, policy as policies
from govkit.core import Attestation, Policy, Verdict, Waiver
from govkit.errors import EvidenceError, PolicyError, UsageError
from govkit.pipeline import clock
from govkit.pipeline.bundle import Bundle, read_bundle
from govkit.policy.people import LIFE, day, refusal, worst_value
from govkit.policy.templates import templates

Comments = Mapping[str, str]

_COMMENTS: Mapping[str, Comments] = yaml.safe_load(Path(__file__).with_name("forms.yaml").read_text(encoding="utf-8"))
_ASK = "to be filled in by whoever signs"


def draft_waiver(
    control: str,
    *,
    owner: str,
    model: Path | str | None = None,
    bundle: Path | str | None = None,
    as_of: str | None = None,
) -> str:
    """A form for a waiver, as YAML text.

    Args:
        control: Id of the control.
        owner: Who asks for it and does what it promises.
        model: Folder or file of the model, where there is no bundle yet.
        bundle: Bundle of the model; then the form proposes a ceiling and the longest life, and a control that cannot be
            waived is refused.
        as_of: UTC time to take as now.

    Raises:
        UsageError: Not exactly one of model and bundle, no such control, or a control that cannot be waived.
    """
    if (model is None) == (bundle is None):
        raise UsageError("a waiver is for one model: name it by exactly one of --model and --bundle")
    if not owner.strip():
        raise UsageError("--owner is empty; name the person who asks for the waiver")
    today = day(clock.deciding_time(as_of))
    found = {
        "schema": "govkit.waiver/v1",
        "id": f"{control}-{today}",
        "control": control,
        "model": "",
        "owner": owner,
        "approver": "",
        "response": "accept",
        "reason": "",
        "compensating": [],
        "created": str(today),
    }
    if model is not None:
        life = min(LIFE.values())
        found |= {"model": manifest.artifact_digest(Path(model)), "expires": str(today + timedelta(days=life))}
        lives = ", ".join(f"{severity} {days}" for severity, days in LIFE.items())
        told = {"expires": f"Longest life in days by severity: {lives}; critical none."}
    else:
        filled, told = _from_bundle(found, Path(str(bundle)), clock.deciding_time(as_of))
        found |= filled
    return _form({**found, "ticket": ""}, {**_COMMENTS["waiver"], **told})


def _from_bundle(form: dict[str, Any], bundle: Path, moment: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What a bundle says about a control: digest, ceiling and last day, and the comments to them."""
    stored, rules, judged = _judged(bundle, moment)
    known = {control.id: control for control in rules.controls}
    control = known.get(form["control"])
    if control is None:
        raise PolicyError(f"{bundle}: no control {form['control']!r}{documents.nearest(form['control'], known)}")
    subject, today = stored.verdict.subject, day(moment)
    ruling = next(each for each in judged.rulings if each.control == control.id)
    life = LIFE.get(control.severity, 0)
    filled: dict[str, Any] = {"model": subject, "expires": str(today + timedelta(days=life))}
    told = {"expires": f"At most {life} days, for severity {control.severity}."}
    worst = worst_value(ruling, control, stored.findings)
    if worst is not None:
        asked = "" if control.require is None else f" (asked for: {control.require.words})"
        filled["ceiling"] = worst.value
        told["ceiling"] = f"The worst value for which it holds. Today's is {worst.value}{asked}."
    draft = Waiver.model_validate({**form, **filled, "approver": _ASK, "reason": _ASK})
    why = refusal(draft, ruling, control, stored.findings, subject=subject, today=today)
    if why is not None:
        raise PolicyError(f"{control.id} ({ruling.state}) cannot be waived: {why}. Found: {ruling.reason}")
    return filled, told


def _judged(bundle: Path, moment: str, *waivers: Waiver) -> tuple[Bundle, Policy, Verdict]:
    """A bundle, its policy, and how it is judged with these waivers and no others."""
    stored, rules = read_bundle(bundle), policies.load(bundle / "policy.yaml")
    verdict = policies.judge(rules, stored.findings, subject=stored.verdict.subject, as_of=moment, waivers=waivers)
    return stored, rules, verdict


def draft_attestation(kind: str, *, model: Path | str, as_of: str | None = None) -> str:
    """A form for an attestation with the questions of its kind, as YAML text.

    Args:
        kind: A key of ``policies/attestations.yaml``.
        model: Folder or file of the model.
        as_of: UTC time to take as now.

    Raises:
        UsageError: No such kind, or no such model.
    """
    asked = templates().get(kind)
    if asked is None:
        raise PolicyError(
            f"no questions for the kind {kind!r}{documents.nearest(kind, templates())}; "
            "for a kind of your own write the form by hand"
        )
    today = day(clock.written_time(as_of))
    form = {
        "schema": "govkit.attestation/v1",
        "kind": kind,
        "model": manifest.artifact_digest(Path(model)),
        "signer": "",
        "role": asked.role,
        "answers": dict.fromkeys(asked.questions, ""),
        "signed_at": str(today),
        "valid_until": str(today + timedelta(days=asked.max_age_days)),
    }
    questions = {f"answers.{name}": text for name, text in asked.questions.items()}
    return _form(form, {**_COMMENTS["attestation"], "kind": f"{asked.title}.", **questions})


def _form(found: Mapping[str, Any], comments: Comments, *, within: str = "") -> str:
    """YAML with a comment above a key; of a key within another one the comment stands under ``OUTER.KEY``."""
    text, indent = "", "  " if within else ""
    for key, value in found.items():
        if within + key in comments:
            text += f"{indent}# {comments[within + key]}\n"
        if isinstance(value, dict):
            text += f"{key}:\n{_form(value, comments, within=f'{key}.')}"
        else:
            text += indent + documents.dump({key: value})
    return text


def sign_waiver(
    form: Path | str,
    *,
    key: evidence.SigningKey,
    trust: Path | str | evidence.Trust,
    bundle: Path | str | None = None,
    as_of: str | None = None,
) -> bytes:
    """Check a waiver that was filled in, and sign it.

    Args:
        form: The YAML file.
        key: Key of the approver.
        trust: The trust file that judges will use; what it does not believe is not signed.
        bundle: Bundle of the model; what would not hold there is not signed.
        as_of: UTC time to take as now.

    Returns:
        The bytes of the statement file.

    Raises:
        UsageError: Something in the form is missing or may not be, or the key is not the approver's.
    """
    moment = clock.deciding_time(as_of)
    waiver, today = documents.read_model(Path(form), Waiver, error=PolicyError), day(moment)
    longest = max(LIFE.values())
    blank = [name for name in ("owner", "approver", "reason") if not getattr(waiver, name).strip()]
    _refuse(
        form,
        (bool(blank), f"{', '.join(blank)}: found only blanks"),
        (waiver.expires < waiver.created, f"expires: {waiver.expires} is before its first day, {waiver.created}"),
        (waiver.expires < today, f"expires: {waiver.expires} is over"),
        (
            (waiver.expires - waiver.created).days > longest,
            f"expires: it lives {(waiver.expires - waiver.created).days} days; no waiver lives more than {longest}",
        ),
    )
    if bundle is not None:
        _refuse_idle(waiver, Path(form), Path(bundle), moment)
    return _signed(waiver, "waivers", Path(form), key, trust, as_of=moment)


def _refuse_idle(waiver: Waiver, form: Path, bundle: Path, moment: str) -> None:
    """Refuse a waiver that judging the bundle would not apply."""
    idle = [
        notice
        for notice in _judged(bundle, moment, waiver)[2].notices
        if notice.startswith(f"waiver {waiver.id} of {waiver.control} ")
    ]
    if idle:
        raise PolicyError(f"{form}: {idle[0]}")


def sign_attestation(
    form: Path | str, *, key: evidence.SigningKey, trust: Path | str | evidence.Trust, as_of: str | None = None
) -> bytes:
    """Check an attestation that was filled in, and sign it.

    Args:
        form: The YAML file.
        key: Key of the signer.
        trust: The trust file that judges will use; what it does not believe is not signed.
        as_of: UTC time to take as now.

    Returns:
        The bytes of the statement file.

    Raises:
        UsageError: A question has no answer, something else in the form may not be, or the key is not the signer's.
    """
    moment = clock.deciding_time(as_of)
    stated, today = documents.read_model(Path(form), Attestation, error=PolicyError), day(moment)
    asked = templates().get(stated.kind)
    questions = asked.questions if asked is not None else {}
    unanswered = [f"{name}: {text}" for name, text in questions.items() if not stated.answers.get(name, "").strip()]
    until = stated.valid_until
    _refuse(
        form,
        (bool(unanswered), f"without an answer to {'; '.join(unanswered)}"),
        (stated.signed_at > today, f"signed_at: {stated.signed_at} is not yet"),
        (until is not None and until < today, f"valid_until: {until} is over"),
    )
    return _signed(stated, "attestations", Path(form), key, trust, as_of=moment)


def _refuse(form: Path | str, *reasons: tuple[bool, str]) -> None:
    wrong = [why for found, why in reasons if found]
    if wrong:
        raise PolicyError("\n".join(f"{form}: {why}" for why in wrong))


def _signed(
    record: Waiver | Attestation,
    sort: evidence.Sort,
    form: Path,
    key: evidence.SigningKey,
    trust: Path | str | evidence.Trust,
    *,
    as_of: str,
) -> bytes:
    """Sign, and open it again as a judge will: nobody signs what is not believed."""
    store = evidence.read_trust(trust)
    raw = evidence.sign_record(record, key)
    try:
        evidence.open_signed(raw, f"{sort}/{form.stem}.sigstore.json", trust=store, as_of=as_of)
    except EvidenceError as error:
        raise UsageError(f"{form}: cannot be signed with this key: {error}") from None
    return raw
