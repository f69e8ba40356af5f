"""Documents beside a bundle: for one kind of reader, and marked where they may not be relied on."""

from __future__ import annotations

from pathlib import Path

from govkit import evidence, report
from govkit.errors import EvidenceError, UsageError
from govkit.pipeline.folder import refuse_unwritable, whole_folder
from govkit.pipeline.signing import sign_documents
from govkit.pipeline.verification import verify

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
        UsageError: ``out`` exists, or one of model and trust is given alone, or a draft is to be signed.
    """
    report.profile_of(profile)
    report.check_language(language)
    refuse_unwritable(out)
    refused = _verify(bundle, model=model, trust=trust, as_of=as_of)
    standing, usual = _standing(bundle, refused, checked=model is not None), (profile, language) == ("regulator", "en")
    if key is not None and standing is not None and standing.kind == "draft":
        raise UsageError(f"{bundle}: is no release yet, and a draft is not signed; seal it first, or leave out --key")
    try:
        with whole_folder(out) as draft:
            written = report.render(bundle, out=draft, pdf=pdf, profile=profile, language=language, standing=standing)
            if key is not None and refused is None:
                written += sign_documents(bundle, draft, key=key, statements=usual)
    except UsageError as error:
        raise (error if refused is None else refused) from None
    if refused is not None:
        message = f"{str(refused).removeprefix(f'{refused.code}: ')}; each page in {out} says NOT VERIFIED"
        raise EvidenceError(refused.code, message, file=refused.file)
    return tuple(out / path.relative_to(draft) for path in written)


def _verify(
    bundle: Path, *, model: Path | str | None, trust: Path | str | evidence.Trust | None, as_of: str | None
) -> EvidenceError | None:
    """What does not verify, or None."""
    if (model is None) != (trust is None):
        given, missing = ("model", "trust") if trust is None else ("trust", "model")
        raise UsageError(f"found {given} without {missing}; verifying takes both, or leave out both")
    if model is None or trust is None:
        return None
    try:
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
