"""The signed cards of the shipped demos: ``write`` makes them anew, ``check`` says which of them is stale and why.

``write`` runs the demos, signs what they found with a key that is never written down, and replaces the folders beside
this file when all of them are made. What each file is, and what the signature proves, stands in the README beside it.
"""

from __future__ import annotations

import io
import lzma
import math
import os
import shutil
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

import govkit as gk
from govkit import evidence, policy as policies, report
from govkit.core import Audit, Finding
from govkit.demos import Story, employment, recidivism, sms
from govkit.errors import GovkitError, UsageError
from govkit.pipeline.bundle import tool
from govkit.pipeline.digests import audit_digest

HERE = Path(__file__).resolve().parent
DEMOS: dict[str, Any] = {"employment": employment, "recidivism": recidivism, "sms": sms}
TRUST, CARD, ARCHIVE, RELEASE = "trust.yaml", "README.md", "evidence.tar.xz", "release.sigstore.json"
STATEMENTS = ("run.sigstore.json", "findings.sigstore.json", "verdict.sigstore.json")
WRITTEN = ("card.md", "NOTICE", "figures", "tables")
"""The card and what it shows. Page, PDF and exports are left out: ``govkit render`` writes them from the rest."""
ROLES = ("train", "measure", "audit", "gate", "release")
"""Of the key that signs the cards."""
KEPT = (*STATEMENTS, evidence.MEASURED_FILE, "policy.yaml", "audit.yaml", *WRITTEN)
MOST_BYTES = 64_000_000
"""Of an archive, unpacked."""
NEAR = {"sms": 0.03}
"""Demos that train a model -> how far a figure may lie from the card's. Sums of floating point numbers depend on the
processor, so that the weights, and a few of 600 answers, differ from machine to machine; the other demos read answers
that are stored."""


def write(home: Path = HERE) -> None:
    """Run every demo and write its card and evidence, all of them or none."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # as the tests do that compare with another run
    with TemporaryDirectory(prefix="govkit-cards-") as name, chdir(name):  # a record names places from here
        stories = {}
        for demo, module in DEMOS.items():
            sys.stderr.write(f"{demo} ...\n")
            stories[demo] = module.run(Path(f"demo-{demo}"), None)
        publish(stories, home)


def publish(stories: Mapping[str, Story], home: Path) -> None:
    """Sign what demos found with a key that lives as long as this call, and put their cards into a folder."""
    key = evidence.throwaway_key(
        "the cards that ship with govkit", min(each.bundle.verdict.as_of for each in stories.values())
    )
    with TemporaryDirectory(prefix="govkit-cards-") as name:
        place = Path(name)
        for demo, story in stories.items():
            (place / demo).mkdir()
            bundle = _signed(story, place / f"{demo}-steps", key)
            pack(bundle, place / demo / ARCHIVE)
            shutil.copyfile(bundle / "card.md", place / demo / CARD)
            shutil.copytree(bundle / "figures", place / demo / "figures")
        for demo in stories:
            shutil.rmtree(home / demo, ignore_errors=True)
            shutil.copytree(place / demo, home / demo)
        (home / TRUST).unlink(missing_ok=True)
        evidence.write_trust(home / TRUST, evidence.trust_of(key, roles=ROLES))


def _signed(story: Story, work: Path, key: evidence.SigningKey) -> Path:
    """The bundle of a demo, signed anew without what can be rendered."""
    work.mkdir()
    findings, verdict, audit_file = (
        work / "findings.json",
        work / "verdict.json",
        story.bundle.path.parent / "audit.yaml",
    )
    gk.write_findings(findings, evidence.read_unverified(story.bundle.path / "findings.sigstore.json"), key=key)
    gk.write_verdict(verdict, story.bundle.verdict)
    trust = evidence.trust_of(key, roles=ROLES)
    bundle = gk.attest(findings, verdict, audit_file=audit_file, out=work / "evidence", key=key, trust=trust)
    gk.render(bundle, pdf=False)
    for path in bundle.iterdir():
        if path.name not in KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    gk.seal(bundle, model=story.model, key=key)
    return bundle


def pack(folder: Path, archive: Path) -> None:
    """Pack a bundle; equal files give equal bytes."""
    archive.write_bytes(lzma.compress(_packed(folder), preset=9))


def _packed(folder: Path) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as packed:
        for path in _files(folder):
            raw, info = (folder / path).read_bytes(), tarfile.TarInfo(f"evidence/{path}")
            info.size = len(raw)
            packed.addfile(info, io.BytesIO(raw))
    return made.getvalue()


def _tar(archive: Path) -> bytes:
    """What an archive holds, unpacked: one stream of xz and nothing behind it."""
    unpacking, packed = lzma.LZMADecompressor(format=lzma.FORMAT_XZ), archive.read_bytes()
    raw = unpacking.decompress(packed, MOST_BYTES)
    if not unpacking.eof or unpacking.unused_data:
        what = "more behind its end" if unpacking.eof else f"no end within {MOST_BYTES} bytes"
        raise UsageError(f"{ARCHIVE} cannot be unpacked: found {what}; expected one bundle as `pack` packs it")
    return raw


def _files(folder: Path) -> list[str]:
    """Whatever is no folder, links too."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    )


@contextmanager
def opened(demo: str, home: Path = HERE) -> Iterator[Path]:
    """The bundle of a demo, unpacked for a while.

    Raises:
        UsageError: There is none that can be unpacked.
    """
    with TemporaryDirectory(prefix="govkit-cards-") as name:
        try:
            raw = _tar(home / demo / ARCHIVE)
            with tarfile.open(fileobj=io.BytesIO(raw)) as packed:
                if sum(member.size for member in packed) > len(raw):
                    raise UsageError(f"{ARCHIVE} cannot be unpacked: it would hold more than its own bytes")
                packed.extractall(name, filter="data")
            same = raw == _packed(Path(name) / "evidence")
        except (OSError, EOFError, lzma.LZMAError, tarfile.TarError) as error:
            raise UsageError(f"{ARCHIVE} cannot be unpacked: {error}") from None
        if not same:  # a link, a mode, a second copy, or a file beside the bundle, of which no signature says anything
            raise UsageError(
                f"{ARCHIVE} holds something else than the files of a bundle, each once, as `pack` packs them"
            )
        yield Path(name) / "evidence"


def check(home: Path = HERE, demos: Iterable[str] = tuple(DEMOS)) -> list[str]:
    """What is stale, without measuring anything again; ``differences`` asks a new run."""
    known = {*DEMOS, "templates", "__pycache__"}
    others = sorted(path.name for path in home.iterdir() if path.name not in known and path.is_dir())
    links = sorted(path.name for path in home.iterdir() if path.is_symlink())
    return [
        *(f"{name}: belongs to no demo; take it away" for name in others),
        *(f"{name}: is a link; expected a file or folder of its own" for name in links),
        *(f"{demo}: {fault}" for demo in demos for fault in _stale(demo, home)),
    ]


def _stale(demo: str, home: Path) -> Iterator[str]:
    try:
        with opened(demo, home) as bundle:
            moment, trust = str(evidence.read_unverified(bundle / RELEASE)["as_of"]), evidence.read_trust(home / TRUST)
            proof = evidence.check_signatures(bundle, model=None, trust=trust, as_of=moment)
            yield from _outdated(bundle, proof, DEMOS[demo].AUDIT)
            yield from _rewritten(bundle)
            yield from _apart(bundle, home / demo)
    except GovkitError as error:
        yield str(error)


def _outdated(bundle: Path, proof: evidence.Evidence, text: str) -> Iterator[str]:
    """What was asked, by which rules, and with what: as the demo, the policy and the code of today have it."""
    audit = Audit.model_validate(yaml.safe_load(text))
    asked = Audit.model_validate(yaml.safe_load((bundle / "audit.yaml").read_bytes()))
    if audit != asked or proof.findings["audit"] != audit_digest(audit):
        yield "audit.yaml is not the audit file that the demo writes"
    rules, stored = gk.resolve_policy(audit.policy), gk.read_bundle(bundle).verdict
    digests = {policies.digest(rules), proof.findings["policy"]["digest"], stored.policy}
    if len(digests) > 1 or (bundle / "policy.yaml").read_text(encoding="utf-8") != policies.dump(rules):
        yield f"{audit.policy} has changed since it was judged by it"
    elif gk.judge(proof.findings, rules, as_of=stored.as_of) != stored:
        yield "judging the findings again gives another verdict"
    if not proof.release.tool == proof.findings["tool"] == proof.verdict["tool"] == tool():
        yield f"it was not made by {tool()['name']} {tool()['version']}"
    for name in sorted({finding["check"] for finding in proof.findings["findings"]} - set(gk.catalog())):
        yield f"there is no check {name} any more"


def _rewritten(bundle: Path) -> Iterator[str]:
    """Card, notice, figures and tables, written anew from the statements."""
    with TemporaryDirectory(prefix="govkit-cards-") as name:
        anew = Path(name)
        report.render(bundle, out=anew, pdf=False)
        for path in sorted({*_files(bundle), *_files(anew)}):
            if path.split("/")[0] in WRITTEN and _bytes(bundle / path) != _bytes(anew / path):
                yield f"{path} is not what today's code writes from the signed statements"


def _apart(bundle: Path, place: Path) -> Iterator[str]:
    """The files that lie in the open are those of the bundle, and there are no others."""
    own = {CARD: "card.md", **{path: path for path in _files(bundle) if path.startswith("figures/")}}
    for path in sorted({*_files(place), *own}):
        if path == ARCHIVE and not (place / path).is_symlink():
            continue
        if path not in own or _bytes(place / path) != _bytes(bundle / own[path]):
            yield f"{path} is not the one of the signed bundle"


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None


def differences(demo: str, story: Story, home: Path = HERE) -> list[str]:
    """What a new run of the demo found otherwise than its card says: outcome, rulings, what was measured, figures."""
    with opened(demo, home) as bundle:
        shipped, card = gk.read_bundle(bundle), _matter(bundle)
    fresh, near = story.bundle, NEAR.get(demo, 0.0)
    found = [] if shipped.verdict.outcome == fresh.verdict.outcome else [f"the verdict is now {fresh.verdict.outcome}"]
    was, now = ({ruling.control: ruling.state for ruling in each.verdict.rulings} for each in (shipped, fresh))
    # Where figures may differ a little, a bound may cross a limit: then nothing is certain, but no pass becomes a fail.
    found += [
        f"{control}: {was.get(control)}, now {now.get(control)}"
        for control in sorted(was.keys() | now.keys())
        if was.get(control) != now.get(control)
        and not (near and "inconclusive" in (was.get(control), now.get(control)))
    ]
    told = [{_about(finding, whole=not near) for finding in each.findings} for each in (shipped, fresh)]
    found += [f"measured in one of the two only: {' '.join(each)}" for each in sorted(told[0] ^ told[1])]
    return found + list(_figures(card, _matter(fresh.path), near))


def _about(finding: Finding, *, whole: bool) -> tuple[str, ...]:
    """What a finding is about; of a model that was trained anew other parts, words or rows may stand out."""
    if not whole:
        return (finding.check, finding.of)
    part = (f"{key}={value}" for key, value in sorted(finding.part.items()))
    return (finding.check, str(finding.name), finding.of, str(finding.compared_with), finding.kind, *part)


def _matter(bundle: Path) -> dict[str, Any]:
    matter: dict[str, Any] = yaml.safe_load((bundle / "card.md").read_text(encoding="utf-8").split("---\n")[1])
    del matter["govkit"]  # digests of this one run
    return matter


def _figures(was: Any, now: Any, near: float, path: str = "card") -> Iterator[str]:
    """Leaves of two front matters that differ."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(was.keys() | now.keys()):
            yield from _figures(was.get(key), now.get(key), near, f"{path}.{key}")
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for place, pair in enumerate(zip(was, now, strict=True)):
            yield from _figures(*pair, near, f"{path}.{place}")
    elif isinstance(was, float) and isinstance(now, float):
        if not math.isclose(was, now, rel_tol=1e-6, abs_tol=near):
            yield f"{path}: {was}, now {now}"
    elif was != now:
        yield f"{path}: {was}, now {now}"


def main() -> int:
    """``check``, or ``write`` and ``check``: 1 if a card is stale."""
    if sys.argv[1:] == ["write"]:
        write()
    elif sys.argv[1:] != ["check"]:
        sys.stderr.write("expected one word: write or check\n")
        return 2
    faults = check()
    sys.stdout.write("".join(f"{fault}\n" for fault in faults) + (f"stale: {len(faults)}; run `make cards`\n" if faults
                     else f"{len(DEMOS)} cards are signed by {TRUST} and are what this code writes\n"))  # fmt: skip
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
