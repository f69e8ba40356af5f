"""Free texts that try to act as markup, to hide, or to break a layout."""

from __future__ import annotations

from typing import Any

from bundle_fixture import statement  # noqa: F401 -- one place to import from

from govkit import core

SCRIPT = "<script>alert('x')</script>"
TEXTS = (
    SCRIPT,
    "\"><img src=x onerror=alert(1)>",
    "a|b|c `code` **bold** [link](javascript:alert(1)) # head",
    "\u202e321 reversed\u202c",
    "\x1b[31mred\x1b[0m \x07 \x00",
    "]]> <!-- --> </style> {{ 7 * 7 }} {% raw %}",
    "- yaml: *alias\n&anchor !!python/object: {x: 1}\n---\n...",
    "$x^2$ \\alpha ~~~ :::",
    "日本語 😀 ﷽ नमस्ते",
    "W" * 5000,
)  # fmt: skip


def hostile_options() -> dict[str, Any]:
    """Options of ``write_bundle``: the texts as groups, titles, reasons, purposes and names of files."""
    evil = " ".join(TEXTS[:9])

    def verdict(found: core.Verdict) -> core.Verdict:
        rulings = tuple(
            ruling.model_copy(update={"title": TEXTS[i % 10], "reason": TEXTS[(i + 3) % 10] + evil})
            for i, ruling in enumerate(found.rulings)
        )
        return found.model_copy(update={"rulings": rulings, "notices": (evil,)})

    def policy(found: core.Policy) -> core.Policy:
        controls = tuple(control.model_copy(update={"advice": evil + TEXTS[9]}) for control in found.controls)
        gone = tuple(item.model_copy(update={"risk": TEXTS[9], "reason": evil}) for item in found.not_measured * 6)
        return found.model_copy(update={"controls": controls, "title": evil, "not_measured": gone})

    return {
        "groups": {SCRIPT: {text: 100 + i for i, text in enumerate(TEXTS)}, "a|b\u202e": {"x": 50, "y": 60}},
        "extra": [core.Gap(check="shift", reason="crashed", detail=text) for text in TEXTS],
        "train": TEXTS[5] + "\u202e\ud800",
        "verdict": verdict,
        "policy": policy,
        "audit": {
            "name": "Model " + evil,
            "use": {"purpose": evil, "intent": ["hosted"], "excluded": list(TEXTS)},
        },
    }
