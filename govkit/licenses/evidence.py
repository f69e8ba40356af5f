"""Signs of a license: license files, a model card's front matter, the metadata of an installed package."""

from __future__ import annotations

import re
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import yaml

from govkit.core import LicenseEvidence
from govkit.errors import UsageError
from govkit.licenses import rules
from govkit.licenses.expressions import normalize
from govkit.licenses.texts import identify

_LICENSE_FILE = re.compile(r"^(un)?licen[cs]es?([.\-_ ].*)?$|^copying([.\-_ ].*)?$", re.IGNORECASE)
_NOTICE_FILE = re.compile(r"^notice([.\-_ ].*)?$", re.IGNORECASE)
_CARD_FILE = re.compile(r"^(readme|card)\.md$", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A---\s*\n(?P<head>.*?)\n---\s*$", re.DOTALL | re.MULTILINE)
_COPYRIGHT = re.compile(r"^\W*(copyright\s+(?:\(c\)|©|\d{4})(?!\s*[<\[{]).*|©.*)$", re.IGNORECASE | re.MULTILINE)
_DATA = frozenset({".csv", ".tsv", ".parquet", ".pq", ".arrow", ".jsonl", ".data", ".npz"})
MOST_BYTES = 1_000_000
"""A license file longer than this is not read as one."""
MOST_COPYRIGHTS = 20
"""Lines about the copyright that are kept of one text."""


def find(place: str | Path, *, package: str | None = None) -> tuple[LicenseEvidence, ...]:
    """Every sign of a license of one component.

    Args:
        place: Its folder, or one of its files.
        package: Name of the installed distribution that it came in. Then the folders above, up to the package, its
            metadata and the license files in its ``.dist-info`` count as well.

    Returns:
        The evidence, ordered by source; ``where`` is a file name relative to the folder, or the metadata field.

    Raises:
        UsageError: The place does not exist, the package is not installed, or the place is not in the package.
    """
    path = Path(place).resolve()
    if not path.exists():
        raise UsageError(f"cannot look for a license in {str(place)!r}: there is no such file or folder")
    folder = path if path.is_dir() else path.parent
    found = [*_license_files(folder, folder), *_card(folder)]
    if package is not None:
        distribution = _distribution(package)
        for parent in _above(folder, distribution, package):
            found += _license_files(parent, folder)
        found += _metadata(distribution)
        if any(_DATA & set(file.suffixes) for file in ([path] if path.is_file() else path.iterdir())):
            where = f"data in the package {package}, whose terms are those of its code"
            found.append(LicenseEvidence(source="package metadata", where=where, expression=None))
    return tuple(found)


def declared(expression: str) -> LicenseEvidence:
    """The license that somebody declares for a component, as evidence.

    Raises:
        UsageError: The expression names no license exactly.
    """
    known = normalize(expression)
    if known is None:
        raise UsageError(
            f"the declared license {expression!r} is not an SPDX expression: "
            "write for example Apache-2.0, CC-BY-4.0 or MIT OR Apache-2.0, or leave it out"
        )
    return LicenseEvidence(source="declared", where="declared", expression=known)


def _license_files(folder: Path, start: Path) -> list[LicenseEvidence]:
    found = []
    for file in sorted(folder.iterdir()):
        is_license, is_notice = _LICENSE_FILE.match(file.name), _NOTICE_FILE.match(file.name)
        if not file.is_file() or not (is_license or is_notice) or file.suffix == ".py":
            continue
        evidence = _text(file, file.name if folder == start else f"{folder.name}/{file.name}")
        # A NOTICE names authors; it is evidence only where it holds the text of a license.
        if is_license or evidence.expression is not None:
            found.append(evidence)
    return found


def texts(folder: Path, kind: Literal["notice", "card"]) -> list[str]:
    """The NOTICE files of a folder, or its card."""
    pattern = _NOTICE_FILE if kind == "notice" else _CARD_FILE
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and pattern.match(file.name)]
    return [file.read_bytes()[:MOST_BYTES].decode("utf-8", errors="replace") for file in files]


def _text(file: Path, where: str) -> LicenseEvidence:
    content = file.read_bytes()
    text = content.decode("utf-8", errors="replace") if len(content) <= MOST_BYTES else ""
    digest = f"sha256:{sha256(content).hexdigest()}"
    # The GNU texts begin with the copyright of their own wording.
    found = (" ".join(line.split())[:200] for line in _COPYRIGHT.findall(text))
    lines = [line for line in found if "Free Software Foundation" not in line]
    return LicenseEvidence(
        source="license file",
        where=where,
        expression=identify(text),
        sha256=digest,
        copyright=tuple(dict.fromkeys(lines))[:MOST_COPYRIGHTS],
    )


def front_matter(folder: Path) -> dict[str, Any]:
    """The fields at the head of a folder's ``README.md``, as model hubs read them; empty where there are none."""
    file = folder / "README.md"
    match = _FRONT_MATTER.match(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else None
    try:
        head = yaml.safe_load(match["head"]) if match else None
    except yaml.YAMLError:
        head = None
    return head if isinstance(head, dict) else {}


def _card(folder: Path) -> list[LicenseEvidence]:
    """``license:`` in the front matter of a card: one id or a list; beside ``other``, what its name and link say."""
    head = front_matter(folder)
    said = head.get("license")
    found = [("license", name, normalize(str(name))) for name in (said if isinstance(said, list) else [said])]
    if said == "other":
        name, link = head.get("license_name"), head.get("license_link")
        found.append(("license_name", name, normalize(str(name))))
        if link is not None and not _is_license_file(folder, str(link)):
            found.append(("license_link", link, rules.linked(str(link))))
    return [
        LicenseEvidence(source="card", where=f"README.md: {field}: {str(value)[:200]}", expression=expression)
        for field, value, expression in found
        if value is not None
    ]


def _is_license_file(folder: Path, link: str) -> bool:
    """Whether a link leads to a license file of the folder, which is a sign of its own."""
    name = link.rstrip("/").rpartition("/")[2]
    inside = "://" not in link or "//huggingface.co/" in link
    return inside and bool(_LICENSE_FILE.match(name)) and (folder / name).is_file()


def _distribution(package: str) -> metadata.Distribution:
    try:
        return metadata.distribution(package)
    except metadata.PackageNotFoundError:
        raise UsageError(f"the package {package!r} is not installed here: install it, or do not name it") from None


def _above(folder: Path, distribution: metadata.Distribution, package: str) -> list[Path]:
    """Folders above ``folder``, up to the package's own; the shared folder of all packages is not one of them."""
    site = Path(str(distribution.locate_file(""))).resolve()
    if not folder.is_relative_to(site) or folder == site:
        raise UsageError(f"{str(folder)!r} is not a part of the package {package!r}: name the package it came in")
    owned = folder.relative_to(site).as_posix() + "/"
    if not any(str(file).startswith(owned) for file in distribution.files or ()):
        raise UsageError(f"{str(folder)!r} holds no file of the package {package!r}: name the package it came in")
    return [parent for parent in folder.parents if parent != site and parent.is_relative_to(site)]


def _metadata(distribution: metadata.Distribution) -> list[LicenseEvidence]:
    found = []
    for field in ("License-Expression", "License"):
        said = "".join(distribution.metadata.get_all(field) or ()).strip()
        # UNKNOWN is what old tools write into an empty field: it says nothing.
        if said and said.upper() != "UNKNOWN":
            found.append(_field(field, said))
    for name in distribution.metadata.get_all("Classifier") or ():
        if name.startswith("License ::"):
            found += _classifier(name)
    for file in sorted(distribution.files or (), key=str):
        path = Path(str(distribution.locate_file(file)))
        if ".dist-info" in file.parts[0] and _LICENSE_FILE.match(file.name) and path.is_file():
            found.append(_text(path, str(file)))
    return found


def _field(field: str, said: str) -> LicenseEvidence:
    # Some packages paste the whole text of their license into the field.
    is_text = "\n" in said
    expression = identify(said) if is_text else normalize(said)
    where = f"{field}: {said.splitlines()[0][:80]}"
    return LicenseEvidence(source="package metadata", where=where, expression=expression)


def _classifier(name: str) -> list[LicenseEvidence]:
    if name.strip() == "License :: OSI Approved":
        return []
    meant = rules.classifier(name)
    is_id = meant is not None and not meant.startswith("family: ")
    where = f"{name} ({meant})" if meant is not None and not is_id else name
    expression = normalize(meant) if is_id and meant is not None else None
    return [LicenseEvidence(source="package classifier", where=where, expression=expression)]
