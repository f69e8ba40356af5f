"""OpenSSF model signatures (``model.sig``), for tools that know these and not govkit.

Format: model_signing 1.1.1, predicate ``https://model_signing/signature/v1.0``. The format lets its signer leave files
out, follow links and cut files into pieces. Written and accepted here is the one form that covers every file whole but
those of git, which the specification leaves out; the release covers these too. It is an export: its digest of the model
does not cover names, so the release and not this file decides what a model is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from govkit.errors import EvidenceError, UsageError
from govkit.evidence import canonical
from govkit.evidence.keys import SigningKey
from govkit.evidence.statement import Statement, open_statement, sign
from govkit.evidence.trust import Trust
from govkit.manifest import FileDigest, refuse_bad_path

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

GIT = (".git", ".gitattributes", ".github", ".gitignore")
"""What the specification leaves out of the model: files of its repository, at the top of the folder."""

PREDICATE_TYPE = "https://model_signing/signature/v1.0"


def model_sig(files: Sequence[FileDigest], key: SigningKey, *, name: str) -> bytes:
    """The bytes of a ``model.sig``; the same each time.

    Args:
        files: Every file of the model folder, its ``README.md`` included, as ``manifest.walk`` lists them.
        key: Who signs.
        name: Name of the model.

    Raises:
        UsageError: There are no files.
    """
    if not _covered(files, GIT):
        raise UsageError(f"{name}: a model signature needs the files of the model; there are none")
    predicate = _predicate(files)
    subject = (name, _root(predicate["resources"]))
    return sign(PREDICATE_TYPE, predicate, [subject], key, hint=_hint(key.private.public_key()))


def check_model_sig(
    raw: bytes, files: Sequence[FileDigest], *, trust: Trust, as_of: str, file: str = "model.sig"
) -> Statement:
    """Verify a ``model.sig`` against the files at hand; it must cover all of them, and nothing else.

    Args:
        raw: The bytes of the file.
        files: Every file of the model folder, its ``README.md`` included, as ``manifest.walk`` lists them.
        trust: Whom the verifier believes; the signer needs the role ``release``.
        as_of: UTC time to take as now.
        file: Name of the file, for the message.

    Raises:
        EvidenceError: As ``open_statement``; ``MODEL_SIG_IGNORES`` (leaves files out), ``MODEL_SIG_LINKS`` (follows
            links), ``MODEL_SIG_FORM`` (pieces of files, another hash, another field or order), ``BAD_PATH``,
            ``MODEL_SIG_FILES`` (a file twice, missing, added or changed) or ``MODEL_SIG_SUBJECT``.
        UsageError: ``as_of`` is no time.
    """
    opened = open_statement(
        raw,
        trust=trust,
        role="release",
        predicate_type=PREDICATE_TYPE,
        as_of=as_of,
        file=file,
        hints={_hint(key.public): key.id for key in trust.keys},
    )
    how = opened.predicate.get("serialization")
    # Earlier versions signed the files of git too: a form that leaves nothing out is as good.
    whole = isinstance(how, dict) and how.get("ignore_paths") == []
    wanted = _predicate(files, () if whole else GIT)
    # By bytes: in Python false is 0.
    if canonical.dumps(opened.predicate, file=file) != canonical.dumps(wanted):
        code, message = _difference(opened.predicate, wanted)
        raise EvidenceError.at(file, code, message)
    if [digest for _, digest in opened.subjects] != [_root(wanted["resources"])]:
        raise EvidenceError.at(file, "MODEL_SIG_SUBJECT", "its subject is not the digest of its files")
    return opened


def _covered(files: Sequence[FileDigest], ignored: Sequence[str]) -> list[FileDigest]:
    return [file for file in files if file.path.split("/")[0] not in ignored]


def _predicate(files: Sequence[FileDigest], ignored: Sequence[str] = GIT) -> dict[str, Any]:
    # The library sorts paths by their parts, so that a folder comes before what its name begins.
    ordered = sorted(_covered(files, ignored), key=lambda file: file.path.split("/"))
    how = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": list(ignored)}
    return {
        "serialization": how,
        "resources": [{"name": file.path, "algorithm": "sha256", "digest": file.sha256} for file in ordered],
    }


def _root(resources: Sequence[dict[str, str]]) -> str:
    """``sha256:<hex>`` of the digests of the files one after the other, without their names."""
    joined = b"".join(bytes.fromhex(item["digest"]) for item in resources)
    return "sha256:" + hashlib.sha256(joined).hexdigest()


def _hint(public: EllipticCurvePublicKey) -> str:
    """How the format names a key: SHA-256 of its PEM text. The library refuses a good signature with another hint."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> tuple[str, str]:
    """Code and message of what a signed predicate has that it may not have."""
    how = found.get("serialization")
    if isinstance(how, dict) and how.get("ignore_paths", []) not in ([], list(GIT)):
        return "MODEL_SIG_IGNORES", f"leaves files out: {ascii(how['ignore_paths'])[:200]}; all of them must be signed"
    if isinstance(how, dict) and how.get("allow_symlinks") not in (None, False):
        return "MODEL_SIG_LINKS", "follows links out of the model; expected allow_symlinks false"
    shaped = canonical.dumps({**found, "resources": []}) == canonical.dumps({**wanted, "resources": []})
    names = _names(found.get("resources"))
    if not shaped or names is None:
        return "MODEL_SIG_FORM", "expected whole files by SHA-256, each with name, algorithm and digest, and no more"
    return _files_differ(names, found["resources"], wanted["resources"])


def _names(resources: Any) -> list[str] | None:
    """The names of well-formed resources."""
    if not isinstance(resources, list):
        return None
    for item in resources:
        if not isinstance(item, dict) or set(item) != {"name", "algorithm", "digest"} or item["algorithm"] != "sha256":
            return None
        if not isinstance(item["name"], str):
            return None
    return [item["name"] for item in resources]


def _files_differ(names: list[str], found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> tuple[str, str]:
    for name in names:
        refuse_bad_path(name)
    here = {item["name"]: item for item in wanted}
    signed = {item["name"]: item for item in found}
    if len(signed) != len(names):
        return "MODEL_SIG_FILES", "names a file twice"
    differing = sorted(name for name in here.keys() | signed.keys() if here.get(name) != signed.get(name))
    if differing:
        return "MODEL_SIG_FILES", f"signed for other files than those at hand: {', '.join(map(ascii, differing[:20]))}"
    return "MODEL_SIG_FORM", "its files do not stand in the order of their names"
