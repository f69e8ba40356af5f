"""From an audit file with a brand to a document for each reader, and what happens to one that does not verify."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import published as tools
import pytest
from published import DAY, LATER, Audited

import govkit as gk
from govkit import evidence
from govkit.errors import AuditError, EvidenceError, UsageError

LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><rect width="120" height="40" fill="#5b2a86"/></svg>'
)
BRAND = (
    'brand: {organization: "Clinic of Saint Anywhere", contact: "a@example.org", logo: mine.svg, color: "#5b2a86"}\n'
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """A sealed bundle with a brand."""
    root = tools.prepare(tmp_path_factory.mktemp("render"), "letters_profiles")
    with (root / "audit.yaml").open("a", encoding="utf-8") as file:
        file.write(BRAND)
    (root / "mine.svg").write_text(LOGO, encoding="utf-8")
    gk.audit(root / "audit.yaml", out=root / "evidence", key=tools.key("ci"), as_of=DAY)
    return Audited(root, root / "letters_profiles")


@pytest.fixture
def spoilt(whole: Audited, tmp_path: Path) -> Path:
    """The bundle, with a word more in a document."""
    shutil.copytree(whole.bundle, tmp_path / "evidence")
    with (tmp_path / "evidence/summary.md").open("a", encoding="utf-8") as file:
        file.write("Everything is fine.\n")
    return tmp_path / "evidence"


def rendered(bundle: Path, out: Path, **options: object) -> tuple[Path, ...]:
    return gk.render(bundle, out=out, **{"pdf": False, "as_of": LATER, **options})


def command(*arguments: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "govkit", *map(str, arguments)],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def pages(pdf: Path) -> list[str]:
    raw = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, check=True).stdout
    return raw.decode().split("\f")[:-1]


def test_the_bundle_keeps_the_logo_and_verifies(whole: Audited) -> None:
    assert (whole.bundle / "brand/logo.svg").read_text() == LOGO
    assert whole.verify().verdict.outcome == "PASS"
    sealed = evidence.read_unverified(whole.bundle / "release.sigstore.json")
    assert "brand/logo.svg" in sealed["files"]
    text = (whole.bundle / "report.html").read_text()
    assert "Clinic of Saint Anywhere" in text
    assert not [word for word in ("DRAFT", "NOT VERIFIED", "Not checked when") if word in text]


def test_a_verified_bundle_gives_the_sealed_bytes_and_an_unchecked_one_says_so(whole: Audited, tmp_path: Path) -> None:
    rendered(whole.bundle, tmp_path / "a", model=whole.model, trust=tools.trust())
    rendered(whole.bundle, tmp_path / "b")
    sealed = (whole.bundle / "report.html").read_text()
    assert (tmp_path / "a/report.html").read_text() == sealed
    unchecked = (tmp_path / "b/report.html").read_text()
    assert "Not checked when this was written" in unchecked
    more = set(unchecked.splitlines()) - set(sealed.splitlines())
    assert len(more) == 1


def test_each_profile_is_a_document_that_verifies_alone(whole: Audited, tmp_path: Path) -> None:
    given = {"model": whole.model, "trust": tools.trust(), "key": tools.key("ci"), "pdf": True}
    for profile in ("owner", "engineer"):
        written = rendered(whole.bundle, tmp_path / profile, profile=profile, **given)
        assert [path.name for path in written] == ["report.html", "report.pdf"]
        found = gk.verify_pdf(tmp_path / profile / "report.pdf", trust=tools.trust(), as_of=LATER)
        assert found.outcome == "PASS"
    assert len(pages(tmp_path / "owner/report.pdf")) == 1


def test_what_does_not_verify_is_marked_on_each_page_and_refused(spoilt: Path, whole: Audited, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="says NOT VERIFIED") as caught:
        rendered(spoilt, tmp_path / "x", model=whole.model, trust=tools.trust(), key=tools.key("ci"), pdf=True)
    assert (caught.value.code, caught.value.file) == ("BOUND_FILE", "summary.md")
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["report.html", "report.pdf"]
    assert "BOUND_FILE" in (tmp_path / "x/report.html").read_text()
    found = pages(tmp_path / "x/report.pdf")
    assert ["NOT VERIFIED" in each for each in found] == [True] * len(found)
    with pytest.raises(EvidenceError) as unsigned:
        gk.verify_pdf(tmp_path / "x/report.pdf", trust=tools.trust(), as_of=LATER)
    assert unsigned.value.code == "PDF_UNSIGNED"


def test_what_cannot_even_be_read_is_refused_and_nothing_is_written(
    spoilt: Path, whole: Audited, tmp_path: Path
) -> None:
    (spoilt / "findings.sigstore.json").write_text("{}")
    with pytest.raises(EvidenceError):
        rendered(spoilt, tmp_path / "x", model=whole.model, trust=tools.trust())
    assert not (tmp_path / "x").exists()


def test_the_command_ends_with_4_where_the_bundle_does_not_verify(spoilt: Path, whole: Audited, tmp_path: Path) -> None:
    asked = ("--no-pdf", "--profile", "owner", "--model", whole.model, "--trust", whole.trust_file, "--as-of", LATER)
    code, said = command("render", spoilt, "--out", tmp_path / "x", *asked)
    assert code == 4
    assert "BOUND_FILE" in said
    assert "NOT VERIFIED" in said
    assert "NOT VERIFIED" in (tmp_path / "x/report.html").read_text()
    code, said = command("render", whole.bundle, "--out", tmp_path / "y", *asked)
    assert code == 0
    assert "NOT VERIFIED" not in (tmp_path / "y/report.html").read_text()
    assert command("render", whole.bundle, "--out", tmp_path / "z", "--profile", "boss")[0] == 2
    assert not (tmp_path / "z").exists()


def test_a_bundle_that_nobody_sealed_is_a_draft(whole: Audited, tmp_path: Path) -> None:
    shutil.copytree(whole.bundle, tmp_path / "evidence")
    (tmp_path / "evidence/release.sigstore.json").unlink()
    rendered(tmp_path / "evidence", tmp_path / "x", profile="auditor")
    assert "DRAFT, not signed" in (tmp_path / "x/report.html").read_text()
    with pytest.raises(UsageError, match="a draft is not signed"):
        rendered(tmp_path / "evidence", tmp_path / "y", key=tools.key("ci"))
    with pytest.raises(EvidenceError) as caught:
        rendered(tmp_path / "evidence", tmp_path / "z", model=whole.model, trust=tools.trust())
    assert caught.value.code == "MISSING_FILE"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "model"}, "found model without trust"),
        ({"trust": "trust"}, "found trust without model"),
        ({"profile": "boss"}, "no profile 'boss'"),
    ],
)
def test_half_of_what_verifying_takes_is_refused(
    options: dict[str, str], says: str, whole: Audited, tmp_path: Path
) -> None:
    given = {key: {"model": whole.model, "trust": tools.trust()}.get(key, value) for key, value in options.items()}
    with pytest.raises(UsageError, match=says):
        rendered(whole.bundle, tmp_path / "x", **given)
    assert not (tmp_path / "x").exists()
    with pytest.raises(UsageError, match="is sealed"):
        gk.render(whole.bundle, pdf=False)


def test_a_bad_logo_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    root = tools.prepare(tmp_path, "letters_bad_logo")
    with (root / "audit.yaml").open("a", encoding="utf-8") as file:
        file.write(BRAND)
    (root / "mine.svg").write_text(LOGO.replace("<rect", "<script/><rect"), encoding="utf-8")
    told: list[object] = []
    with pytest.raises(AuditError, match=r"brand\.logo: mine\.svg: a logo holds no 'script'"):
        gk.audit(
            root / "audit.yaml", out=root / "evidence", key=tools.key("ci"), progress=lambda *each: told.append(each)
        )
    assert not told
    assert not (root / "evidence").exists()


def test_another_color_is_another_audit(whole: Audited, tmp_path: Path) -> None:
    shutil.copytree(whole.bundle, tmp_path / "evidence")
    text = (tmp_path / "evidence/audit.yaml").read_text()
    (tmp_path / "evidence/audit.yaml").write_text(text.replace("#5b2a86", "#000000"))
    (tmp_path / "evidence/release.sigstore.json").unlink()
    evidence.seal(tmp_path / "evidence", model=whole.model, outcome="PASS", key=tools.key("ci"), as_of=DAY)
    with pytest.raises(EvidenceError) as caught:
        gk.verify(tmp_path / "evidence", model=whole.model, trust=tools.trust(), as_of=LATER)
    assert caught.value.code == "AUDIT_SWAPPED"
