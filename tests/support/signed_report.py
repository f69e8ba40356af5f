"""Reports whose statements are really signed, and the tools of a forger of PDFs."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from evidence_bundle import NOW
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

sys.path.insert(0, str(Path(__file__).parents[1] / "unit/report"))

from bundle_fixture import ARTIFACT, GROUPS, write_bundle

from govkit import evidence, report
from govkit.evidence import moment
from govkit.report.pdf import pdf as print_page
from govkit.report.read import read

PAGE = f"""<!DOCTYPE html><html lang="en"><head><title>Small</title><meta name="dcterms.created" content="{NOW}">
<meta name="dcterms.modified" content="{NOW}"></head><body><main><h1>Small</h1>
<p>A page of few words.</p></main></body></html>"""
"""A page that prints in a moment; the real one takes seconds."""

KINDS = ("run", "findings", "verdict")


def write(folder: Path, key: evidence.SigningKey, *, artifact: str = ARTIFACT, **options: Any) -> Path:
    """A bundle with signed statements, without documents."""
    write_bundle(folder, groups={"sex": GROUPS["sex"]}, **options)
    said: dict[str, Any] = {}
    for path in (folder / f"{kind}.sigstore.json" for kind in KINDS):
        payload = base64.b64decode(json.loads(path.read_bytes())["dsseEnvelope"]["payload"])
        said[path.name.split(".")[0]] = json.loads(payload.replace(ARTIFACT.encode(), artifact.encode()))["predicate"]
        path.unlink()
    said["verdict"]["policy"]["digest"] = said["findings"]["policy"]["digest"] = said["verdict"]["verdict"]["policy"]
    evidence.attest(folder, subject_name="income", subject_digest=artifact, key=key, **said)
    return folder


def printed(folder: Path) -> bytes:
    """The whole report of a bundle, not signed."""
    report.render(folder)
    return (folder / "report.pdf").read_bytes()


def small(folder: Path, **statements: bytes | None) -> bytes:
    """A report of one page with the statements of a bundle, or with others in their place."""
    sources = read(folder)
    held = {**sources.statements, **{f"{kind}.sigstore.json": raw for kind, raw in statements.items()}}
    present = {name: raw for name, raw in held.items() if raw is not None}
    return print_page(PAGE, dataclasses.replace(sources, statements=present))


def embed(
    pdf: bytes, seal: Callable[[bytes], bytes], *, level: MDPPerm | None = MDPPerm.NO_CHANGES, room: int = 0
) -> bytes:
    """Sign with any CMS: ``seal`` makes it from the digest. It fills its room to the byte unless ``room`` is given."""
    size = room or len(seal(bytes(32)))
    for _ in range(200):
        place = SignatureObject(moment.read(NOW), SigSeedSubFilter.PADES, bytes_reserved=2 * size)
        rules = SigMDPSetup("sha256", certify=level is not None, docmdp_perms=level)
        steps = PdfCMSEmbedder().write_cms("govkit", IncrementalPdfFileWriter(BytesIO(pdf)))
        next(steps)
        steps.send(SigObjSetup(place, mdp_setup=rules))
        prepared, output = steps.send(SigIOSetup("sha256"))
        cms = seal(prepared.document_digest)
        if room or len(cms) == size:
            prepared.fill_with_cms(output, cms)
            return output.getvalue()
        size = max(size, len(cms))
    raise AssertionError("no room fits")


def sealed_bytes(body: bytes, seal: Callable[[bytes], bytes], room: int) -> bytes:
    """Any bytes at all with a signature over them, in the places where a signed PDF has it."""
    for number in range(200):
        head, tail = body + b"%d/Contents" % number, b"\n%%EOF"
        line = b"/ByteRange[0 %d %d %d]"
        start = len(head) + 60
        end = start + 2 * room + 2
        head += (line % (start, end, len(tail))).ljust(60)
        cms = seal(hashlib.sha256(head + tail).digest())
        if len(cms) == room:
            return head + b"<" + cms.hex().upper().encode() + b">" + tail
    raise AssertionError("no signature fits")
