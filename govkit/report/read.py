"""Reads a bundle: what the statements say, the policy and the audit file. Signatures are checked elsewhere."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from govkit import documents
from govkit.core import Attestation, Audit, Finding, Policy, Run, Verdict, Waiver, times
from govkit.core.audit import DRIFT_PAGE
from govkit.core.plain import MAX_STATEMENT, plain_json
from govkit.core.recorded import Long
from govkit.core.selfcheck import SELF_CHECK, SelfCheck
from govkit.errors import UsageError
from govkit.report.brand import Logo

Rules = TypeVar("Rules", Policy, Audit)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where the library was built with libyaml, which also ends deep nesting with an error."""

_FINDINGS: TypeAdapter[tuple[Finding, ...]] = TypeAdapter(Long[Finding])


@dataclass(frozen=True)
class Judgement:
    """A verdict and what it rests on.

    Attributes:
        findings: Measurements and gaps, in the order that rulings refer to.
        verdict: The judgement.
        policy: The policy as resolved.
    """

    findings: tuple[Finding, ...]
    verdict: Verdict
    policy: Policy


@dataclass(frozen=True)
class Sources(Judgement):
    """What a bundle says.

    Attributes:
        run: Record of the fine-tuning run, or None.
        audit: The audit file as resolved.
        measured: Predicate of the findings statement without the findings: subject, seed, tool, passes.
        judged: Predicate of the verdict statement without the verdict: inputs, digests of waivers and attestations.
        waivers: Exceptions that people signed.
        attestations: Statements that people signed.
        statements: File name -> bytes of run (if there is one), findings and verdict, as they were signed.
        findings_digest: ``sha256:<hex>`` of the payload of the findings.
        verdict_digest: The same of the verdict.
        as_of: The time of judging, the only time in a document.
        selfcheck: What a self-check of the tool found, where its record lies in the bundle.
        drift_report: Name of evidently's page, where it lies beside the documents.
        logo: The logo that the audit file asks for.
    """

    run: Run | None
    audit: Audit
    measured: dict[str, Any]
    judged: dict[str, Any]
    waivers: tuple[Waiver, ...]
    attestations: tuple[Attestation, ...]
    statements: dict[str, bytes]
    findings_digest: str
    verdict_digest: str
    as_of: datetime
    drift_report: str | None = None
    selfcheck: SelfCheck | None = None
    logo: Logo | None = None


def read(bundle: Path, *, out: Path | None = None) -> Sources:
    """Read the statements, the policy and the audit file of a bundle, whose documents go to ``out`` or beside them.

    Raises:
        UsageError: A file is absent or is not what its name says.
    """
    payload, measured = read_statement(bundle / "findings.sigstore.json")
    ruled, judged = read_statement(bundle / "verdict.sigstore.json")
    files = [bundle / f"{kind}.sigstore.json" for kind in ("run", "findings", "verdict")]
    try:
        verdict = Verdict.model_validate(judged.pop("verdict", None))
        audit = Audit.model_validate(_yaml(bundle / "audit.yaml"))
        return Sources(
            run=Run.model_validate(read_statement(files[0])[1]) if files[0].exists() else None,
            findings=_FINDINGS.validate_python(measured.pop("findings", None)),
            verdict=verdict,
            policy=Policy.model_validate(_yaml(bundle / "policy.yaml")),
            audit=audit,
            measured=measured,
            judged=judged,
            waivers=tuple(Waiver.model_validate(each) for each in _signed(bundle / "waivers")),
            attestations=tuple(Attestation.model_validate(each) for each in _signed(bundle / "attestations")),
            statements={path.name: path.read_bytes() for path in files if path.exists()},
            findings_digest=f"sha256:{hashlib.sha256(payload).hexdigest()}",
            verdict_digest=f"sha256:{hashlib.sha256(ruled).hexdigest()}",
            as_of=_time(verdict.as_of, bundle),
            selfcheck=_selfcheck(bundle / SELF_CHECK),
            drift_report=DRIFT_PAGE if ((out or bundle) / DRIFT_PAGE).is_file() else None,
            logo=_logo(bundle, audit),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise UsageError(
            f"{bundle}: {error.title} is not as expected at {where or 'its top'}: {first['msg']}; "
            "write the bundle again with 'govkit audit'"
        ) from None


def policy_of(bundle: Path) -> Policy:
    """The policy that a bundle was judged by.

    Raises:
        UsageError: The bundle holds none, or something else.
    """
    return _resolved(bundle / "policy.yaml", Policy, "policy")


def audit_of(bundle: Path) -> Audit:
    """The audit file that a bundle came from, as resolved.

    Raises:
        UsageError: The bundle holds none, or something else.
    """
    return _resolved(bundle / "audit.yaml", Audit, "audit file")


def _resolved(path: Path, kind: type[Rules], name: str) -> Rules:
    try:
        return kind.model_validate(_yaml(path))
    except ValidationError:
        raise UsageError(f"{path}: expected a resolved {name}; found something else") from None


def read_statement(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Payload and predicate of a statement file; neither is proved.

    Raises:
        UsageError: The file is absent or is no statement.
    """
    try:
        if not path.exists():
            raise UsageError(f"{path.parent} is not a bundle: it lacks {path.name}; run 'govkit audit' first")
        outer = plain_json(documents.read_raw(path, error=UsageError, max_bytes=MAX_STATEMENT))
        payload = base64.b64decode(outer["dsseEnvelope"]["payload"], validate=True)
        predicate = plain_json(payload)["predicate"]
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError):
        raise UsageError(f"{path}: expected an in-toto statement in a DSSE envelope; found something else") from None
    if not isinstance(predicate, dict):
        raise UsageError(f"{path}: expected a predicate with keys; found {type(predicate).__name__}")
    return payload, predicate


def _logo(bundle: Path, audit: Audit) -> Logo | None:
    """The logo; whoever shows it looks at it first, for a bundle may come from anybody."""
    name = audit.brand.logo_file if audit.brand else None
    if name is None:
        return None
    try:
        raw = (bundle / name).read_bytes()
    except OSError:
        raise UsageError(f"{bundle} is not a bundle: it lacks {name}, which audit.yaml names as its logo") from None
    return Logo(name, raw)


def _signed(folder: Path) -> list[dict[str, Any]]:
    """What people signed, by the names of the files."""
    return [read_statement(path)[1] for path in sorted(folder.glob("*.sigstore.json"))]


def _selfcheck(path: Path) -> SelfCheck | None:
    if not path.exists():
        return None
    try:
        plain = plain_json(documents.read_raw(path, error=UsageError))
        return SelfCheck.model_validate({key: value for key, value in plain.items() if key != "digest"})
    except (ValueError, AttributeError):
        raise UsageError(f"{path}: expected the record of a self-check; found something else") from None


def _yaml(path: Path) -> Any:
    try:
        if not path.exists():
            raise UsageError(f"{path.parent} is not a bundle: it lacks {path.name}; run 'govkit audit' first")
        text = documents.read_text(path, error=UsageError)
        for number, event in enumerate(yaml.parse(text, Loader=_LOADER)):
            if isinstance(event, yaml.AliasEvent) or number > 3 * documents.MAX_NODES:
                raise UsageError(f"{path}: holds aliases or more than {documents.MAX_NODES:,} values")
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 -- a safe one
    except (yaml.YAMLError, RecursionError):
        raise UsageError(f"{path}: expected YAML in UTF-8; found something else") from None


def _time(text: str, bundle: Path) -> datetime:
    try:
        return times.day_or_instant(text).replace(microsecond=0)
    except ValueError:
        raise UsageError(f"{bundle}: as_of of the verdict is {text!r}; expected a time as in ISO 8601") from None
