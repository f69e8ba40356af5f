"""Who verifies, shows or judges runs no plug-in: what is judged by is what the findings declare."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import published
import pytest

import govkit as gk
from govkit import evidence

PLUGIN = """\
import os
from pathlib import Path
Path(os.environ["LOADED"]).write_text("loaded")
raise SystemExit("a plug-in ran")
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = published.audited(tmp_path_factory.mktemp("plugins"), "letters_plugins")
    evidence.write_trust(found.root / "trust.yaml", published.trust())
    gk.write_findings(found.root / "f.json", gk.measure(found.root / "audit.yaml"))
    site = found.root / "site"
    about = site / "evil-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "evil.py").write_text(PLUGIN, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[govkit.checks]\nperformance = evil\n", encoding="utf-8")
    return found.root


def govkit(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(root / "site"), os.environ["PYTHONPATH"]])
    environment = {**os.environ, "PYTHONPATH": path, "LOADED": str(root / "loaded")}
    return subprocess.run(
        [sys.executable, "-m", "govkit", *arguments], cwd=root, env=environment, capture_output=True, text=True,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


VERIFY = ("verify", "evidence", "--model", "letters_plugins", "--trust", "trust.yaml", "--as-of", published.DAY)


@pytest.mark.parametrize(
    "arguments",
    [
        VERIFY,
        (*VERIFY, "--policy", "mine.yaml", "--explain"),
        ("verify", "evidence/report.pdf", "--trust", "trust.yaml", "--as-of", published.DAY),
        ("show", "evidence"),
        ("judge", "f.json", "--policy", "mine.yaml", "--out", "v.json"),
        ("render", "evidence", "--out", "pages", "--no-pdf"),
    ],
    ids=["verify", "verify --policy", "verify pdf", "show", "judge", "render"],
)
def test_no_plug_in_is_loaded(root: Path, arguments: tuple[str, ...]) -> None:
    done = govkit(root, *arguments)
    assert done.returncode == 0, done.stderr
    assert not (root / "loaded").exists()


def test_the_plug_in_is_one_that_measuring_would_load(root: Path) -> None:
    done = govkit(root, "checks")
    assert done.returncode != 0
    (root / "loaded").unlink()


def test_findings_of_an_unknown_check_are_judged_by_what_they_declare(root: Path, tmp_path: Path) -> None:
    """As a plug-in measured them; a parameter that the policy does not name is the one that was measured with."""
    document = json.loads((root / "f.json").read_text(encoding="utf-8"))
    for each in document["findings"]:
        if each["check"] == "performance":
            each["check"], each["params"] = "foreign", {"depth": 3, "wide": True}
    policy = (root / "mine.yaml").read_text(encoding="utf-8").replace("check: performance", "check: foreign")
    for params, passes in (("{}", True), ("{depth: 3}", True), ("{depth: 4}", False)):
        text = policy.replace("metric: accuracy", f"metric: accuracy, params: {params}")
        (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
        verdict = gk.judge(document, str(tmp_path / "p.yaml"), as_of=published.DAY)
        assert (verdict.exit_code == 0) is passes, (params, verdict.rulings[0].reason)
    (tmp_path / "p.yaml").write_text(policy.replace("check: foreign", "check: nobodys"), encoding="utf-8")
    with pytest.raises(gk.UsageError, match="there is no check 'nobodys'"):
        gk.judge(document, str(tmp_path / "p.yaml"), as_of=published.DAY)
