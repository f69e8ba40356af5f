"""From evidence to a license: known only where everything that speaks agrees; never a guess."""

from __future__ import annotations

import re
from collections.abc import Sequence

from govkit.core import LicenseEvidence, LicenseRecord
from govkit.licenses import rules
from govkit.licenses.expressions import parts

_FAMILY = re.compile(
    r"(?:\(family: (?P<classifier>[^)]+)\)|"
    r"^(?:README\.md: license(?P<name>_name)?|License|License-Expression): (?P<said>.+))$"
)


def conclude(evidence: Sequence[LicenseEvidence]) -> LicenseRecord:
    """One license out of all signs of it.

    ``known``: everything exact says the same, nothing vague speaks against it, and every license file was recognized.
    ``conflict``: two signs exclude each other. ``unknown``: anything else. Several licenses that apply together contain
    each of their parts: a file with the texts of bundled works does not contradict the name of the main license.

    Args:
        evidence: What :func:`find` found and what was declared.

    Returns:
        The record; its reason names the signs it rests on.
    """
    signs = tuple(evidence)
    exact = [sign for sign in signs if sign.expression is not None]
    vague = [sign for sign in signs if sign.expression is None]
    if not signs:
        return _record("unknown", "no sign of a license was found", signs)
    if not exact:
        return _record("unknown", f"nothing names a license exactly: {_list(vague)}", signs)
    expression = _agreed(exact)
    if expression is None:
        return _record("conflict", f"the signs contradict each other: {_list(exact)}", signs)
    against = [sign for sign in vague if _speaks_against(sign, expression)]
    if against:
        return _record("conflict", f"the signs contradict each other: {_list([*exact, *against])}", signs)
    open_ = [sign for sign in vague if not _fits(sign, expression, exact)]
    if open_:
        return _record("unknown", f"{_list(exact)}; but not resolved: {_list(open_)}", signs)
    return _record("known", f"{_list(exact)}", signs, expression)


def _record(
    state: str, reason: str, signs: tuple[LicenseEvidence, ...], expression: str | None = None
) -> LicenseRecord:
    return LicenseRecord.model_validate({"expression": expression, "state": state, "reason": reason, "evidence": signs})


def _list(signs: Sequence[LicenseEvidence]) -> str:
    return "; ".join(_say(sign) for sign in signs)


def _say(sign: LicenseEvidence) -> str:
    if sign.source == "declared":
        return f"the declaration says {sign.expression}"
    if sign.expression is not None:
        return f"{sign.source} ({sign.where}) says {sign.expression}"
    if sign.source == "license file":
        return f"license file ({sign.where}) was not recognized as the text of a known license"
    return f"{sign.source} ({sign.where}) names no license exactly"


def _agreed(exact: Sequence[LicenseEvidence]) -> str | None:
    """The expression that contains all others, or None."""
    said = {str(sign.expression) for sign in exact}
    texts = {str(sign.expression) for sign in exact if sign.source == "license file"}
    # The GNU texts are the same for "only" and "or later"; whoever names the choice has the say.
    later = {name.removesuffix("-or-later") + "-only" for name in said if name.endswith("-or-later")}
    named = {str(sign.expression) for sign in exact if sign.source != "license file"}
    said -= (later & texts) - named
    widest = max(sorted(said), key=lambda name: len(parts(name)))
    return widest if all(parts(name) <= parts(widest) for name in said) else None


def _family(sign: LicenseEvidence) -> tuple[str, ...] | None:
    match = _FAMILY.search(sign.where)
    if match is None:
        return None
    members = rules.family(match["classifier"] or match["said"])
    # A name of the owner's own making, beside "other", sends to the text as "other" does.
    return () if members is None and match["name"] else members


def _speaks_against(sign: LicenseEvidence, expression: str) -> bool:
    members = _family(sign)
    return bool(members) and not any(name.startswith(members or ()) for name in parts(expression))


def _is_beside(sign: LicenseEvidence) -> bool:
    return sign.source == "license file" and "/" not in sign.where


def _fits(sign: LicenseEvidence, expression: str, exact: Sequence[LicenseEvidence]) -> bool:
    members = _family(sign)
    if members:
        return any(name.startswith(members) for name in parts(expression))
    # A license beside the data, on its card or declared for it, answers for data in a package.
    if sign.where.startswith("data in the package "):
        return any(one.source in {"card", "declared"} or _is_beside(one) for one in exact)
    # "other" sends the reader to the license's text, or to the name and link beside it: only these answer it.
    answers = any(one.source == "license file" or one.where.startswith("README.md: license_") for one in exact)
    return members is not None and answers
