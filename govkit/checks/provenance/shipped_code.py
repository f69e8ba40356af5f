"""Shipped code: does anything lie beside the weights that runs when somebody loads them his own way?"""

from __future__ import annotations

from collections.abc import Iterator

from govkit import manifest
from govkit.checks._shared import counted, missing
from govkit.core import Case, Finding, Measurement, Metric, check
from govkit.core.finding import MOST_ROWS
from govkit.core.words import TASKS
from govkit.manifest.shipped import code_digest, shipped_code, templates, unaudited


@check(
    "shipped_code",
    crosswalk="check.supply_chain",
    tasks=TASKS,
    metrics={
        "unaudited_code": Metric(
            "Files beside the weights that are code or name code, and that nobody audited as code.",
            better="lower",
            unit="files",
            low=0,
        ),
        "code_digest": Metric("Digest of all files that are code or name code; `none` where there are none."),
        "code_file": Metric("Digest of one of these files."),
        "chat_template": Metric("Digest of a chat template: a text that a program renders before the model reads it."),
    },
)
def shipped_code_found(case: Case) -> Iterator[Finding]:
    """Code that ships with the candidate; none of it is run, for the stock class of transformers is loaded.

    Code are Python files and libraries, pickles that are no weights, and configurations that name a class or kernel to
    be loaded (``auto_map``). It counts unless ``subject.code`` of the audit file holds the digest of all of it. The
    files of a model in Python are the subject itself. Chat templates are named and do not count.
    """
    if case.model_path is None or case.access == "predictions":
        yield missing("*", "unsupported", "There are no files of the candidate's weights.")
        return
    files = manifest.artifact_files(case.model_path, strict=False)
    code, source = shipped_code(case.model_path, files), case.source
    allowed, python = (None, False) if source is None else (source.code, source.python is not None)
    left = unaudited(code, allowed=allowed, python=python)
    yield counted("unaudited_code", len(left), n=len(files))
    yield Measurement(name="code_digest", value=code_digest(code) if code else "none", n=len(code))
    told = {file.path: f"sha256:{file.sha256}" for file in (*left, *(file for file in code if file not in left))}
    for name, found in (("code_file", told), ("chat_template", templates(case.model_path, files))):
        for path, digest in list(found.items())[:MOST_ROWS]:
            yield Measurement(name=name, value=digest, n=1, part={"file": path})
