"""Licenses asked about by themselves: of folders, files, a run record or an audit file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from govkit import licenses, lineage
from govkit.core import Component, LicenseRecord, Recorded
from govkit.core.audit import Use
from govkit.errors import UsageError
from govkit.licenses.expressions import alternatives
from govkit.licenses.rules import family, rules
from govkit.pipeline.casework import read_audit, read_run_of


class LicenseCheck(Recorded):
    """The answer to one question about licenses.

    Attributes:
        allowed: Whether everything is known and allowed, and no duty that a machine can see was found open.
        components: What was asked about, each with all signs of its license.
        use: Intent and stance on training data that it was composed for.
        declared: License that the model is to carry, None if none was chosen.
        composition: Whether they allow the use, why, and what has to be done.
        seen: What was seen of each obligation in the folder to be shared; empty if none was named.
    """

    allowed: bool
    components: tuple[Component, ...]
    use: Use
    declared: str | None
    composition: licenses.Composition
    seen: tuple[licenses.Seen, ...] = ()


class LicenseFacts(Recorded):
    """What is known about a license.

    Attributes:
        name: What was asked for.
        license: The license that it is, with all signs of it.
        rules: Row of the rule table for each license in it, None where there is none.
    """

    name: str
    license: LicenseRecord
    rules: dict[str, licenses.Rule | None]


def check_licenses(
    paths: Sequence[Path],
    *,
    data: Sequence[Path] = (),
    package: str | None = None,
    declared: str | None = None,
    model: Path | None = None,
    name: str | None = None,
    **use: Any,
) -> LicenseCheck:
    """Find, conclude and compose licenses.

    Args:
        paths: Folders or files that the model is made from, a ``run.json`` or an audit file.
        data: Folders or files of training data.
        package: Installed distribution that the paths came in: its metadata and license files count too.
        declared: License that the model is to carry, instead of the audit file's.
        model: Folder that is to be shared: where a machine can see what duties ask, it looks there.
        name: Name under which it is to be shared; that of the folder if not given.
        use: ``intent``, ``data_stance`` and ``data_stance_reason``, instead of the audit file's.

    Raises:
        UsageError: Something does not exist, cannot be read, or is no license.
    """
    parts, held = [_found(path, "train", package) for path in data], Use()
    for path in paths:
        if path.suffix in {".yaml", ".yml"}:
            audit, root = read_audit(path)
            held = audit.use
            parts += licenses.components(read_run_of(audit, root), audit.licenses, audit.data)
            chosen = [item.expression for item in audit.licenses if item.of == "candidate"]
            declared = declared or next(iter(chosen), None)
        elif path.name == "run.json":
            parts += licenses.components(lineage.read_run(path), (), ())
        else:
            parts.append(_found(path, "base", package))
    asked = _asked(held, {key: value for key, value in use.items() if value})
    composed = licenses.compose(parts, intent=asked.intent, declared=declared, data_stance=asked.data_stance)
    seen: tuple[licenses.Seen, ...] = ()
    if model is not None:
        seen = licenses.look(composed, model, name=name or model.resolve().name, intent=asked.intent)
    return LicenseCheck(
        allowed=composed.verdict == "allow" and "not found" not in seen,
        components=tuple(parts),
        use=asked,
        declared=declared,
        composition=composed,
        seen=seen,
    )


def _asked(held: Use, given: dict[str, Any]) -> Use:
    # A reason belongs to its stance: another stance brings a reason of its own, or none.
    kept = held.model_dump(exclude={"data_stance_reason"} if "data_stance" in given else set())
    try:
        return Use.model_validate({**kept, **given})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"{(*first['loc'], 'use')[0]}: {first['msg'].removeprefix('Value error, ')}") from None


def _found(path: Path, role: Literal["base", "train"], package: str | None) -> Component:
    record = licenses.conclude(licenses.find(path, package=package))
    return licenses.component(role, path.resolve().name, ()).model_copy(update={"license": record})


def explain_license(name: str) -> LicenseFacts:
    """What the rule table knows about a license, or about each license of a folder or file.

    Raises:
        UsageError: It is neither a license nor a path, or a family of licenses; the message names the members.
    """
    expression = licenses.normalize(name)
    if expression is not None:
        record = LicenseRecord(expression=expression, state="known", reason="it was named")
    elif Path(name).exists():
        record = licenses.conclude(licenses.find(name))
    else:
        members = [each for each in rules() if each.startswith(family(name) or ("\0",))]
        hint = f"it may be {', '.join(members)}" if members else "write an SPDX id, a hub's tag, or a path that exists"
        raise UsageError(f"{name!r} names no license exactly: {hint}")
    ids = [each for choice in alternatives(record.expression or "") for each in choice]
    return LicenseFacts(name=name, license=record, rules={each: licenses.rule(each) for each in ids})
