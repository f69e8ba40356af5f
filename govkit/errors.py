"""Everything govkit raises on purpose.

::

    GovkitError                       exit 70, an error of govkit itself
    ├── UsageError                    exit 2, bad usage or invalid input
    │   ├── AuditError                the audit file
    │   ├── PolicyError               a policy, waiver or attestation file
    │   ├── DataError                 a data set or a file of predictions
    │   ├── SubjectError              a model that cannot be loaded or called
    │   ├── PluginError               a check from a plug-in that does not import
    │   └── MissingExtra              an optional dependency that is not installed
    ├── EvidenceError                 exit 4, evidence that does not verify
    └── VerdictError                  exit 1 or 3, a verdict that a gate does not let through

A message says what was found, what was expected and what to do. Only the command line turns an error
into an exit code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class GovkitError(Exception):
    """Base of every error raised on purpose."""

    exit_code = 70


class UsageError(GovkitError):
    """Bad usage or invalid input; nothing was measured and nothing was written."""

    exit_code = 2


class AuditError(UsageError):
    """The audit file names something that is missing, misspelt or contradictory."""


class PolicyError(UsageError):
    """A policy, waiver or attestation file that may not be judged by."""


class DataError(UsageError):
    """A data set or a file of predictions that cannot be measured."""


class SubjectError(UsageError):
    """A model that cannot be loaded, or whose outputs are not probabilities."""


class PluginError(UsageError):
    """A plug-in announced a check and could not be imported."""


class MissingExtra(UsageError):
    """An optional dependency is needed and is not installed."""


class EvidenceError(GovkitError):
    """Evidence that does not verify.

    Args:
        code: Stable machine-readable code, for example ``MODEL_MISMATCH``.
        message: What was found, in words; names the file.
        file: Path of the offending file, relative to the bundle or the model, if there is one.
    """

    exit_code = 4

    def __init__(self, code: str, message: str, *, file: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.file = file

    @classmethod
    def at(cls, file: str, code: str, what: str) -> EvidenceError:
        """What is wrong with one file; the message begins with its name."""
        return cls(code, f"{file}: {what}", file=file)


class VerdictError(GovkitError):
    """A verdict that a gate does not let through.

    Args:
        outcome: ``BLOCK`` or ``REVIEW``.
        exit_code: What a gate answers: 1 or 3.
        message: What is open, in words.
    """

    def __init__(self, outcome: str, exit_code: int, message: str) -> None:
        super().__init__(f"{outcome}: {message}")
        self.outcome = outcome
        self.exit_code = exit_code


EXTRA_OF = {
    **dict.fromkeys(("datasets", "accelerate", "peft"), "train"),
    **dict.fromkeys(("weasyprint", "pyhanko", "asn1crypto", "segno"), "pdf"),
    "licenseclassifier": "licenses",
    "codecarbon": "energy",
    "rfc3161_client": "stamp",
    "sigstore": "sigstore",
    **dict.fromkeys(("presidio_analyzer", "spacy", "tldextract"), "presidio"),
    **dict.fromkeys(
        (
            "numpy", "scipy", "pandas", "pyarrow", "duckdb", "sklearn", "fairlearn", "aif360", "evidently",
            "great_expectations", "torch", "transformers", "safetensors", "py3langid", "picklescan",
            "PIL",
        ),
        "audit",
    ),
}  # fmt: skip
"""Import name of an optional dependency -> the extra of govkit that installs it."""


def missing_extra(error: ModuleNotFoundError) -> MissingExtra | None:
    """Turn a failed import of an optional dependency into advice.

    Returns:
        The error to raise, or None when the missing module is not one of govkit's optional dependencies.
    """
    package = (error.name or "").split(".")[0]
    if package not in EXTRA_OF:
        return None
    extra = EXTRA_OF[package]
    return MissingExtra(f"this step needs {package!r}, which is not installed: pip install 'govkit[{extra}]'")


@contextmanager
def optional_imports() -> Iterator[None]:
    """Around the imports of optional dependencies: what is not installed becomes advice.

    Raises:
        MissingExtra: A dependency of one of govkit's extras is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise missing_extra(error) or error from None
