"""Seeded mutations of a sealed bundle and its model, and what a verifier answers to each.

``tests/property/test_mutations.py`` runs a short draw of it, ``tests/bench/mutations.py`` a long one.
"""

from __future__ import annotations

import base64
import json
import os
import random
import resource
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import json_mutations
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from json_mutations import Rewrite, text
from mutated_world import World
from watchdog import Hang, alarm

from govkit.errors import EvidenceError, UsageError
from govkit.evidence.keys import ORDER

SECONDS = 10
"""After so long a verifier hangs."""

Step = Callable[[random.Random, World, str], object]
"""What is done to one statement file."""

# --- what is done to a bundle --------------------------------------------------------------------------------------


def damage(draw: random.Random, world: World) -> str:
    """Bytes of any file flipped, inserted, deleted, cut off or doubled."""
    file = draw.choice(world.files())
    raw = world.pristine[file]
    at, length = draw.randrange(len(raw) + 1), draw.choice([1, 2, 7, 64])
    flipped = bytearray(raw)
    if at < len(raw):
        flipped[at] ^= 1 << draw.randrange(8)
    how = draw.randrange(5)
    (world.root / file).write_bytes(
        (
            bytes(flipped),
            raw[:at] + draw.randbytes(length) + raw[at:],
            raw[:at] + raw[at + length :],
            raw[:at],
            raw[:at] + raw[at : at + length] + raw[at:],
        )[how]
    )
    return f"{file} {how}"


def unsigned(rewrite: Rewrite, draw: random.Random, world: World) -> str:
    """The envelope, or the payload in it, written anew without its key; sealed or not."""
    file = draw.choice(world.statements())
    outer = world.outer(file)
    within = draw.random() < 0.5
    if within:
        payload = rewrite(draw, json.loads(world.payload(file)))
        outer["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    raw = text(outer) if within else rewrite(draw, outer)
    (world.root / file).write_bytes(raw + b"\n")
    if "release" not in file and draw.random() < 0.7:
        world.reseal()
    return f"{file} {'payload' if within else 'envelope'}"


def signed(rewrite: Rewrite, draw: random.Random, world: World, *, relinked: bool = False) -> str:
    """A payload written anew and signed by the right key; the seal, and if asked the links, over what is there now."""
    file = draw.choice(world.statements())
    world.sign(file, rewrite(draw, json.loads(world.payload(file))))
    if not file.endswith("release.sigstore.json"):
        world.relink() if relinked else world.reseal()
    return file


def _own_role(draw: random.Random, world: World, file: str) -> None:
    """A key that signs other things, or a stranger's; sealed or not."""
    wrong = world.key if "attestations" in file else world.person
    world.sign(file, world.payload(file), draw.choice([world.stranger, wrong]))
    if draw.random() < 0.5 and "release" not in file:
        world.reseal()


def _all_by_stranger(draw: random.Random, world: World, file: str) -> None:
    for each in world.statements():
        world.sign(each, world.payload(each), world.stranger)
    world.reseal()
    release = world.statements()[0]
    world.sign(release, world.payload(release), world.stranger)


def enveloped(change: Callable[[random.Random, World, dict[str, Any]], object]) -> Step:
    """A change to the envelope, unsigned as it is."""

    def step(draw: random.Random, world: World, file: str) -> None:
        outer = world.outer(file)
        change(draw, world, outer)
        (world.root / file).write_bytes(text(outer) + b"\n")

    return step


def _hint(draw: random.Random, world: World, outer: dict[str, Any]) -> None:
    hint = draw.choice([world.person.id, world.stranger.id, "", world.key.id.upper(), None, 7])
    outer["verificationMaterial"]["publicKey"]["hint"] = hint


def _other_part(draw: random.Random, world: World, outer: dict[str, Any]) -> None:
    """Payload or signature of another statement."""
    other = world.outer(draw.choice(world.statements()))["dsseEnvelope"]
    part = draw.choice(["payload", "signatures"])
    outer["dsseEnvelope"][part] = other[part]


def _signature(draw: random.Random, world: World, outer: dict[str, Any]) -> None:
    """The second form of a valid signature, and what is nearly one."""
    signature = outer["dsseEnvelope"]["signatures"][0]
    raw = base64.b64decode(signature["sig"])
    r, s = decode_dss_signature(raw)
    near = [encode_dss_signature(r, ORDER - s), encode_dss_signature(0, 0), encode_dss_signature(ORDER, 1)]
    near += [raw[:-1], raw + b"\0", b"", b"\x30\x00", r.to_bytes(32, "big") + s.to_bytes(32, "big")]
    signature["sig"] = base64.b64encode(draw.choice(near)).decode()


def _count(draw: random.Random, world: World, outer: dict[str, Any]) -> None:
    listed = outer["dsseEnvelope"]["signatures"]
    outer["dsseEnvelope"]["signatures"] = draw.choice([listed * 2, [], [*listed, {"keyid": "", "sig": ""}], listed[0]])


def _keyid(draw: random.Random, world: World, outer: dict[str, Any]) -> None:
    outer["dsseEnvelope"]["signatures"][0]["keyid"] = draw.choice([world.key.id, " ", None, "x"])


KEYS: tuple[Step, ...] = (
    _own_role, _own_role, _all_by_stranger, enveloped(_hint), enveloped(_other_part), enveloped(_signature),
    enveloped(_count), enveloped(_keyid),
)  # fmt: skip


def keys(draw: random.Random, world: World) -> str:
    """Another key, another hint, another signature."""
    file, number = draw.choice(world.statements()), draw.randrange(len(KEYS))
    KEYS[number](draw, world, file)
    return f"{file} {number}"


NAMES = (
    ".git/config", "__init__.py", "a\nb", "\u00e9\u0301", "cafe\u0301", "a:b", "a\\b", " ", "x" * 200, "CON",
    "\u202etxt", b"\xff\xfe".decode("utf-8", "surrogateescape"), "waivers/W.sigstore.json", "run.sigstore.json",
    "attestations/more", "x/README.md",
)  # fmt: skip


def _rename(draw: random.Random, world: World, path: Path, other: Path) -> None:
    path.rename(path.with_name(path.name + draw.choice(["x", ".bak", "\u200b", " "])))


def _add(draw: random.Random, world: World, path: Path, other: Path) -> None:
    added = draw.choice([world.bundle, world.model]) / draw.choice(NAMES)
    added.parent.mkdir(parents=True, exist_ok=True)
    added.write_bytes(draw.choice([b"", b"x", path.read_bytes()]))


def _swap(draw: random.Random, world: World, path: Path, other: Path) -> None:
    one, two = path.read_bytes(), other.read_bytes()
    path.write_bytes(two)
    other.write_bytes(one)


def _replace(draw: random.Random, world: World, path: Path, other: Path) -> None:
    """By a link, a pipe or a folder."""
    path.unlink()
    targets: list[str | Path] = [other, world.root / "nowhere", path, "/dev/zero", world.root, "/proc/self/mem"]
    draw.choice(
        [
            lambda: path.symlink_to(draw.choice(targets)),
            lambda: os.link(other, path),
            lambda: os.mkfifo(path),
            lambda: path.mkdir(),
        ]
    )()


def _other_case(draw: random.Random, world: World, path: Path, other: Path) -> None:
    path.with_name(draw.choice([path.name.upper(), path.name.title(), path.name.swapcase()])).write_bytes(b"x")


def _grow(draw: random.Random, world: World, path: Path, other: Path) -> None:
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size + draw.choice([1, 2**20, 2**40]))


def _clear(draw: random.Random, world: World, path: Path, other: Path) -> None:
    shutil.rmtree(draw.choice([world.bundle, world.model, path.parent]))


FILES: tuple[Callable[[random.Random, World, Path, Path], object], ...] = (
    _rename, _add, _add, _swap, _replace, _replace, _other_case, _grow, _clear,
    lambda _draw, _world, path, _other: path.unlink(),
    lambda _draw, _world, path, _other: path.write_bytes(b""),
    lambda _draw, _world, path, _other: path.chmod(0),
)  # fmt: skip


def files(draw: random.Random, world: World) -> str:
    """Files renamed, deleted, added, swapped, linked, emptied, hidden, or replaced by what is no file."""
    name, other = draw.sample(world.files(), 2)
    number = draw.randrange(len(FILES))
    FILES[number](draw, world, world.root / name, world.root / other)
    return f"{name} {number}"


CLASSES: dict[str, Callable[[random.Random, World], str]] = {
    "bytes": damage,
    "JSON structure": partial(unsigned, json_mutations.structure),
    "Unicode": partial(unsigned, json_mutations.unicode),
    "numbers": partial(unsigned, json_mutations.numbers),
    "order": partial(unsigned, json_mutations.order),
    "keys": keys,
    "files": files,
    "signed again": partial(signed, json_mutations.anything),
    "signed and linked again": partial(signed, json_mutations.anything, relinked=True),
}
LIARS = ("signed and linked again",)
"""Here every signer says something else, and it all fits: what is well formed is theirs to say. It must not crash."""

# --- what a verifier answers ---------------------------------------------------------------------------------------


@dataclass
class Tally:
    """Of one class and one verifier.

    Attributes:
        codes: Code of the refusal -> how often.
        same: The mutation changed nothing that counts.
        said: Accepted, for the signers said so.
        accepted: Accepted, and should not have been; what was done.
        crashed: Another exception, or none in time; what was done.
        slowest: Longest answer, milliseconds.
    """

    codes: Counter[str] = field(default_factory=Counter)
    same: int = 0
    said: int = 0
    accepted: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    slowest: float = 0.0

    @property
    def total(self) -> int:
        return self.codes.total() + self.same + self.said + len(self.accepted) + len(self.crashed)


Verifier = Callable[[World], object]


def answer(tally: Tally, world: World, verifier: Verifier, wanted: object, *, changed: bool, done: str) -> None:
    """One answer of a verifier, booked."""
    start = time.perf_counter()
    try:
        with alarm(SECONDS):
            found = verifier(world)
        outcome = "same" if not changed or found == wanted else "accepted"
    except EvidenceError as error:
        tally.codes[error.code] += 1
        outcome = "refused"
    except UsageError:
        tally.codes["UsageError"] += 1
        outcome = "refused"
    except (Exception, Hang) as error:  # noqa: BLE001 — whatever it is, it is what this looks for
        tally.crashed.append(f"{done}: {type(error).__name__}: {str(error)[:200]}")
        outcome = "crashed"
    tally.slowest = max(tally.slowest, 1000 * (time.perf_counter() - start))
    if outcome == "same":
        tally.same += 1
    elif outcome == "accepted" and done.startswith(LIARS):
        tally.said += 1
    elif outcome == "accepted":
        tally.accepted.append(done)


VERIFIERS: dict[str, Verifier] = {"check_signatures": World.check, "verify": World.verify}


def run(
    world: World, rounds: int, *, seed: int, verifiers: tuple[str, ...] = tuple(VERIFIERS)
) -> dict[tuple[str, str], Tally]:
    """(class, verifier) -> what was answered to ``rounds`` mutations, the classes by turns."""
    draw = random.Random(seed)  # noqa: S311
    before, wanted = world.before, {name: VERIFIERS[name](world) for name in verifiers}
    tallies = {(kind, name): Tally() for kind in CLASSES for name in verifiers}
    for number in range(rounds):
        kind = list(CLASSES)[number % len(CLASSES)]
        world.reset()
        done = f"{kind}, round {number}: {CLASSES[kind](draw, world)}"
        changed = world.snapshot() != before
        for name in verifiers:
            answer(tallies[kind, name], world, VERIFIERS[name], wanted[name], changed=changed, done=done)
    world.reset()
    return tallies


def peak_mib() -> float:
    """Most memory that this process ever held, MiB (Linux counts KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(tallies: dict[tuple[str, str], Tally]) -> str:
    """A line for each class and verifier."""
    head = (
        "| class | verifier | mutations | refused | same | signers say so | accepted | crashed | slowest ms | codes |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|---|---|"]
    for (kind, name), each in tallies.items():
        codes = ", ".join(f"{code} {count}" for code, count in each.codes.most_common())
        counts = (each.total, each.codes.total(), each.same, each.said, len(each.accepted), len(each.crashed))
        lines.append(f"| {kind} | {name} | {' | '.join(map(str, counts))} | {each.slowest:.0f} | {codes} |")
    return "\n".join(lines)
