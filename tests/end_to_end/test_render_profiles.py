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
    code, said = command("render", spoilt, "--out", tmp_path / "es", "--language", "es", *asked)
    assert code == 4
    assert "says NO VERIFICADO" in said
    assert "NO VERIFICADO" in (tmp_path / "es/report.html").read_text()
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


@pytest.mark.parametrize("verified", [True, False])
def test_documents_never_lie_in_the_bundle_or_the_model(whole: Audited, tmp_path: Path, verified: bool) -> None:
    (tmp_path / "link").symlink_to(whole.bundle)
    given = {"model": whole.model, "trust": tools.trust()} if verified else {}
    for out in (whole.bundle / "sub", tmp_path / "link/sub", *((whole.model / "sub",) if verified else ())):
        with pytest.raises(UsageError, match="expected a folder for the documents that lies elsewhere"):
            rendered(whole.bundle, out, **given)
        assert not out.exists()
    whole.verify()


def edited(whole: Audited, place: Path, file: str, *, sealed: bool) -> Path:
    """The bundle with a limit or a purpose that nobody signed."""
    shutil.copytree(whole.bundle, place)
    text = (place / file).read_text(encoding="utf-8")
    changed = text.replace("min: 0.5", "min: 0.1").replace("Sorts letters", "Sorts people")
    assert changed != text
    (place / file).write_text(changed, encoding="utf-8")
    if not sealed:
        (place / "release.sigstore.json").unlink()
    return place


@pytest.mark.parametrize(("file", "code"), [("policy.yaml", "POLICY_SWAPPED"), ("audit.yaml", "AUDIT_SWAPPED")])
def test_an_edited_policy_or_audit_file_is_not_believed_though_nobody_verifies(
    whole: Audited, tmp_path: Path, file: str, code: str
) -> None:
    for sealed in (True, False):
        bundle, out = edited(whole, tmp_path / f"b{sealed}", file, sealed=sealed), tmp_path / f"out{sealed}"
        with pytest.raises(EvidenceError, match="says NOT VERIFIED") as caught:
            rendered(bundle, out, profile="owner", key=tools.key("ci"))
        assert (caught.value.code, caught.value.file) == (code, file)
        text = (out / "report.html").read_text(encoding="utf-8")
        assert "NOT VERIFIED" in text
        assert code in text
        assert "verify report.pdf" not in text
    before = (bundle / "report.html").read_bytes()
    with pytest.raises(EvidenceError, match=code):
        gk.render(bundle, pdf=False)
    assert (bundle / "report.html").read_bytes() == before


def test_only_a_page_whose_pdf_is_signed_says_how_to_check_that_file(whole: Audited, tmp_path: Path) -> None:
    says = "verify report.pdf --trust"
    for name, signer, pdf in (
        ("signed", tools.key("ci"), True),
        ("bare", None, True),
        ("page", tools.key("ci"), False),
    ):
        rendered(whole.bundle, tmp_path / name, profile="owner", key=signer, pdf=pdf)
        assert (says in (tmp_path / name / "report.html").read_text(encoding="utf-8")) == (name == "signed"), name
    assert says in " ".join(pages(tmp_path / "signed/report.pdf"))
    assert says not in " ".join(pages(tmp_path / "bare/report.pdf"))
    rendered(whole.bundle, tmp_path / "all", pdf=True)
    assert says not in " ".join(pages(tmp_path / "all/report.pdf"))
    assert says in " ".join(pages(whole.bundle / "report.pdf"))


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.argv = ["govkit", "render", "evidence", "--no-pdf"]
from govkit.cli import main
main()
"""


def test_a_disk_that_fills_up_leaves_an_open_bundle_as_it_was(whole: Audited, tmp_path: Path) -> None:
    """Files cannot grow past 20 kB, as on a full disk."""
    shutil.copytree(whole.bundle, tmp_path / "evidence")
    for path in (tmp_path / "evidence").iterdir():
        if path.is_file() and path.name.split(".")[0] not in ("run", "findings", "verdict", "policy", "audit"):
            path.unlink()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = subprocess.run([sys.executable, "-c", FULL], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "could not be written" in done.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    gk.render(tmp_path / "evidence", pdf=False)
    assert (tmp_path / "evidence/report.html").read_bytes() == (whole.bundle / "report.html").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]


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
