"""Documents beside a bundle: for one kind of reader, and marked where they may not be relied on."""

from __future__ import annotations

import shutil
from pathlib import Path

from govkit import evidence, report
from govkit.core.audit import DRIFT_PAGE
from govkit.errors import EvidenceError, UsageError
from govkit.pipeline.folder import refuse_unwritable, whole_files, whole_folder
from govkit.pipeline.signing import sign_documents
from govkit.pipeline.verification import policy_and_audit, refuse_inside, verify
from govkit.report.language import speaking

RELEASE = "release.sigstore.json"


def render_apart(
    bundle: Path,
    out: Path,
    *,
    pdf: bool,
    key: evidence.SigningKey | None,
    profile: str,
    language: str,
    model: Path | str | None,
    trust: Path | str | evidence.Trust | None,
    as_of: str | None,
) -> tuple[Path, ...]:
    """Write documents into a new folder, after the bundle was verified if the means for that are given.

    Raises:
        EvidenceError: The bundle does not verify. Its documents are there all the same, each page of them marked, if it
            could be read at all; nothing of it is signed.
        UsageError: ``out`` exists or lies in the bundle or the model, or one of model and trust is given alone, or a
            draft is to be signed.
    """
    report.profile_of(profile)
    report.check_language(language)
    refuse_unwritable(out)
    refuse_inside(bundle, Path(model or bundle), {"folder for the documents": out})
    refused = _verify(bundle, model=model, trust=trust, as_of=as_of)
    standing, usual = _standing(bundle, refused, checked=model is not None), (profile, language) == ("regulator", "en")
    if key is not None and standing is not None and standing.kind == "draft":
        raise UsageError(f"{bundle}: is no release yet, and a draft is not signed; seal it first, or leave out --key")
    try:
        with whole_folder(out) as draft:
            signed = key is not None and refused is None
            written = report.render(
                bundle, out=draft, pdf=pdf, profile=profile, language=language, standing=standing, signed=pdf and signed
            )
            if key is not None and signed:
                written += sign_documents(bundle, draft, key=key, statements=usual)
    except UsageError as error:
        raise (error if refused is None else refused) from None
    if refused is not None:
        with speaking(language):
            mark = standing.title if standing else ""
        message = f"{str(refused).removeprefix(f'{refused.code}: ')}; each page in {out} says {mark}"
        raise EvidenceError(refused.code, message, file=refused.file)
    return tuple(out / path.relative_to(draft) for path in written)


def render_within(bundle: Path, *, pdf: bool, key: evidence.SigningKey | None) -> tuple[Path, ...]:
    """Write the documents of a bundle that is not sealed into it, all of them or none.

    Raises:
        EvidenceError: The bundle holds another policy or audit file than its statements name.
        UsageError: The documents cannot be written.
    """
    policy_and_audit(bundle)
    with whole_files(bundle) as draft:
        if (bundle / DRIFT_PAGE).is_file():
            shutil.copyfile(bundle / DRIFT_PAGE, draft / DRIFT_PAGE)  # the report names it where it lies beside it
        written = report.render(bundle, out=draft, pdf=pdf, signed=key is not None and pdf)
        if key is not None:
            written += sign_documents(bundle, draft, key=key)
    return tuple(bundle / path.relative_to(draft) for path in written)


def _verify(
    bundle: Path, *, model: Path | str | None, trust: Path | str | evidence.Trust | None, as_of: str | None
) -> EvidenceError | None:
    """What does not verify, or None; without a model, what does not even fit."""
    if (model is None) != (trust is None):
        given, missing = ("model", "trust") if trust is None else ("trust", "model")
        raise UsageError(f"found {given} without {missing}; verifying takes both, or leave out both")
    try:
        if model is None or trust is None:
            policy_and_audit(bundle)
        else:
            verify(bundle, model=model, trust=trust, as_of=as_of)
    except EvidenceError as error:
        return error
    return None


def _standing(bundle: Path, refused: EvidenceError | None, *, checked: bool) -> report.Standing | None:
    """How far the documents may be believed; nothing is said of those of a bundle that was just verified."""
    if refused is not None:
        return report.Standing("unverified", str(refused))
    if checked:
        return None
    return report.Standing("unchecked" if (bundle / RELEASE).exists() else "draft")
