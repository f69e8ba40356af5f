"""Schemas that others publish: those that may be handed on lie beside this file, the others in installed packages."""

from __future__ import annotations

import json
import pickletools
import sqlite3
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from lxml import etree

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def junit() -> etree.XMLSchema:
    """The XSD of the xUnit plug-in of Jenkins."""
    return etree.XMLSchema(etree.parse(Path(__file__).parent / "schemas" / "junit-10.xsd"))


def sarif() -> Any:
    """SARIF 2.1.0 as SchemaStore has it, out of the pickled answers that the package ``schemastore`` holds; none is
    unpickled."""
    cache = distribution("schemastore").locate_file("schemastore/cache.sqlite")
    with sqlite3.connect(f"file:{cache}?mode=ro&immutable=1", uri=True) as answers:
        for (pickled,) in answers.execute("SELECT value FROM responses"):
            words = [word for _, word, _ in pickletools.genops(pickled) if isinstance(word, str | bytes)]
            if SARIF in words:
                return json.loads(words[words.index("_content") + 1])
    raise LookupError(SARIF)


def vendored(name: str) -> Any:
    """``github-actions`` or ``gitlab-ci``, as the package ``check-jsonschema`` holds them."""
    path = distribution("check-jsonschema").locate_file(f"check_jsonschema/builtin_schemas/vendor/{name}.json")
    return json.loads(Path(str(path)).read_text(encoding="utf-8"))
