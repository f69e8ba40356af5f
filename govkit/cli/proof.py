"""What ``govkit verify`` shows: the verdict, who signed, and with ``--explain`` what that proves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import govkit as gk
from govkit.cli.screen import Line, in_plain_words, plain, put, put_json, show_verdict, wrapped


def show(found: gk.Verification, folder: Path, *, explain: bool, json: bool) -> None:
    """What was proved, by whose key."""
    if json:
        put_json(found.dump())
        return
    show_verdict(found.verdict, in_plain_words(folder, found.verdict, gk.read_bundle(folder).findings))
    put([("Signatures and digests verify; the verdict was judged again from the signed findings.", "green")])
    rows = [*((name, f"signed by {signer}") for name, signer in sorted(found.signers.items()))]
    rows += [(each.file, f"signed by {each.signer.name}, {each.record.role}") for each in found.attached.countersigned]
    rows += [("model", found.artifact), ("policy", found.policy)]
    width = max(len(name) for name, _ in rows)
    put([(f"  {plain(name):<{width}} {plain(what)}", "") for name, what in rows])
    put(_explained(found) if explain else [("What this proves and what it does not: --explain", "dim")])


@contextmanager
def refusals(*, json: bool) -> Iterator[None]:
    """Says for machines too why something does not verify."""
    try:
        yield
    except gk.EvidenceError as error:
        if json:
            put_json({"verified": False, "code": error.code, "file": error.file, "message": str(error)})
        raise


def show_pdf(found: gk.VerifiedPdf, path: Path, *, json: bool) -> int:
    """What a report proves that travels alone; the exit code of a gate."""
    if json:
        put_json({"verified": True, **dataclasses.asdict(found)})
        return found.exit_code
    rows = [(f"{kind}.sigstore.json", f"attached, signed by {by}") for kind, by in sorted(found.signers.items())]
    rows += [("model", f"{found.name}, {found.artifact}"), ("policy", found.policy)]
    rest = "The verdict is the signed one; --policy judges the findings again. To compare the model takes its bundle."
    if found.judged_again:
        rest = "The findings were judged again by your policy. To compare the model takes its bundle."
    put(
        [
            (f"{plain(path.name)}: signed by {plain(found.signer)}; not a byte was changed or added since.", "green"),
            *((f"  {plain(name):<22} {plain(what)}", "") for name, what in rows),
            (f"  {'verdict':<22} {found.outcome}, judged on {found.judged_at}", "bold"),
            (f"  {'taken as now':<22} {found.as_of}", ""),
            *wrapped("", rest, indent=0),
        ]
    )
    return found.exit_code


def _explained(found: gk.Verification) -> list[Line]:
    from govkit.report import words

    says = words.catalog()["proof"]
    lines: list[Line] = []
    points = gk.explain_proof(found)
    for answer, proved, sign in (("proved", True, "✓"), ("open", False, "○")):
        told = [says[each.key][answer].format(**each.told) for each in points if each.proved is proved]
        lines += [("", ""), (says[f"title_{answer}"], "bold")]
        lines += [line for each in told for line in wrapped(f"  {sign} ", each, indent=4)]
    return [
        *lines,
        ("", ""),
        (says["title_never"], "bold"),
        *(line for each in says["never"] for line in wrapped("  – ", each, indent=4)),
    ]
