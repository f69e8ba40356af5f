"""Replay: are the same code, data and base here, and does the run yield the same weights again?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from govkit import manifest
from govkit.core import Fact, Run
from govkit.errors import EvidenceError, SubjectError, UsageError
from govkit.lineage import environment, location, sources
from govkit.lineage.facts import observed
from govkit.lineage.privacy import HIDDEN
from govkit.lineage.reading import read_run
from govkit.lineage.recorder import REPLAY
from govkit.subjects.weights import Weights

State = Literal["same", "different", "not known"]
Answer = Literal["equal bits", "equal within noise", "different"]


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Attributes:
        here: What the run needs -> whether the same is here.
        answer: Of the weights: ``equal bits``; ``equal within noise``: with the same seeds, and no farther from the
            recorded weights than twice what two reruns are apart (of three reruns and a run that is like them, the
            nearest is farther than *once* the noise in 7 to 23 of 100 cases); ``different``.
        distance: Relative distance of the nearest rerun, ``|a - b| / |b|`` over all weights; 0 for equal bits; None
            where there are tensors of other shapes, or the files do not tell their tensors.
        noise: Largest relative distance between two reruns; None where one rerun had equal bits, or as above.
        reruns: How often the run was repeated.
    """

    here: Mapping[str, State]
    answer: Answer
    distance: float | None
    noise: float | None
    reruns: int


def replay(record: str | Path, *, root: str | Path = ".") -> Replay:
    """Repeat a recorded run in a folder of its own, from copies of the files that it was seen to read.

    One rerun settles equal bits. Where bits differ, two more measure the noise of the run itself. A script that writes
    to a folder of its own choice would write over what is there; where that can be seen, it is refused.

    Args:
        record: The ``run.json`` of a run of a script, by ``govkit record -- SCRIPT`` or with ``record()`` inside.
        root: Folder in which the run was started.

    Raises:
        UsageError: The run did not finish or was no script, it would write over what it wrote, something that it needs
            is not here, or a rerun fails.
    """
    file = Path(record)
    file = file / "run.json" if file.is_dir() else file
    run, start = read_run(file), Path(root).resolve()
    script, arguments = _command(file, run)
    model = location.model_folder(file, run)
    _refuse_fixed_places(run, start, script, None if model.parent == file.parent else model)
    here = dict(_here(run, start, file))
    with TemporaryDirectory(prefix="govkit-replay-") as scratch:
        found: list[Path] = []
        for number in range(3):
            again = _rerun(run, script, arguments, start=start, folder=Path(scratch) / str(number))
            found.append(location.model_folder(again, read_run(again)))
            here["seeds"] = _seeds(run, read_run(again))
            if number == 0 and _bits(found[0]) == _bits(model):
                return Replay(here, "equal bits", 0.0, None, 1)
        nearest = min(distance(each, model) for each in found)
        noise = max(distance(found[i], found[j]) for i in range(3) for j in range(i))
    within = here["seeds"] != "different" and isfinite(noise) and nearest <= 2 * noise
    far, wide = (value if isfinite(value) else None for value in (nearest, noise))
    return Replay(here, "equal within noise" if within else "different", far, wide, len(found))


def _command(file: Path, run: Run) -> tuple[str, Sequence[str]]:
    script, arguments = run.code.get("script"), run.code.get("arguments")
    if run.exit != "finished":
        raise UsageError(f"{file}: the run is {run.exit}; only a finished run can be compared with another")
    if len(run.parts) > 1:
        raise UsageError(f"{file}: the run was resumed, and no rerun goes on from the same checkpoint")
    if script is None or script.value is None or HIDDEN in script.value:
        raise UsageError(f"{file}: no script in the run's root is on record, so there is nothing to run again")
    given = list(arguments.value or ()) if arguments is not None else []
    if any(HIDDEN in each or each.startswith("hub:") for each in given):
        raise UsageError(f"{file}: an argument of the script was private and is not on record; run it by hand")
    packages = sysconfig.get_path("purelib")
    return str(script.value), [each.replace("<packages>", packages) for each in given]


def _refuse_fixed_places(run: Run, start: Path, script: str, model: Path | None) -> None:
    """A script that writes to a folder of its own choice would write over what is there."""
    outside = model is not None and not model.is_relative_to(start)
    own = [name for name in {script, *_code(run)} if str(start).encode() in _content(start / name)]
    if outside or own:
        why = f"saved its model outside of {start}" if outside else f"names the folder {start} itself, in {own[0]}"
        raise UsageError(f"{script}: it {why}, so a rerun could write over it; give such places as arguments")


def _code(run: Run) -> Mapping[str, str]:
    return run.code["preprocessing"].value or {}


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _here(run: Run, root: Path, file: Path) -> Iterator[tuple[str, State]]:
    now = environment.code(root, script=None)
    for name in ("commit", "diff_sha256"):
        yield f"code: {name}", _compared(run.code.get(name), now[name])
    for name, digest in _code(run).items():
        yield f"code: {name}", _compared(observed(digest), observed(_sha256(root / name)))
    for component in run.data:
        place = component.details["place"].value
        found = observed(None if place is None else sources.bytes_of(root / place))
        yield f"data: {place or component.id.value}", _compared(component.details["bytes"], found)
    for read in run.reads:
        if _sha256(root / read.path) not in (None, read.sha256):
            yield f"read: {read.path}", "different"
    there = location.still_there(file, run) is not None
    yield "base", "same" if there else "not known" if run.base.digest.value is None else "different"
    packages = environment.installed(run.environment["packages"].value or {})
    yield "packages", _compared(run.environment.get("packages"), observed(packages))


def _compared(then: Fact | None, now: Fact) -> State:
    if then is None or "unknown" in (then.seen, now.seen):
        return "not known"
    return "same" if then.value == now.value else "different"


def _sha256(path: Path) -> str | None:
    try:
        return f"sha256:{manifest.walk(path.resolve(), strict=False)[0].sha256}"
    except (UsageError, EvidenceError):
        return None


def _rerun(run: Run, script: str, arguments: Sequence[str], *, start: Path, folder: Path) -> Path:
    """Record it once more, in a folder that holds copies of what it read and nothing that it wrote."""
    work, out = folder / "work", folder / "run"
    for name in (script, *_code(run), *(read.path for read in run.reads)):
        _copy(start, work, name)
    command = [sys.executable, "-m", "govkit", "record", "-o", str(out / "run.json"), "--", script, *arguments]
    if run.parts[-1].exit_code is None:
        command = [sys.executable, script, *arguments]
    hashes = run.seeds["hash_seed"].value
    more = {REPLAY: str(out)} | ({"PYTHONHASHSEED": hashes} if hashes not in (None, "random") else {})
    done = subprocess.run(
        command, cwd=work, env=os.environ | more, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UsageError(f"the rerun of {script} ended with {done.returncode}: {last}")
    return out / "run.json"


def _seeds(run: Run, again: Run) -> State:
    then = {name: fact.value for name, fact in run.seeds.items()}
    known = any(value is not None for value in then.values())
    return _compared(observed(then if known else None), observed({n: fact.value for n, fact in again.seeds.items()}))


def _copy(start: Path, work: Path, name: str) -> None:
    source, target = start / name, work / name
    if name.startswith(("/", "..")) or not source.is_file() or target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _bits(place: Path) -> frozenset[str]:
    """Digests of the files of weights; of all files where none is known as one."""
    return sources.weights_of(place) or frozenset(file.sha256 for file in manifest.walk(place, strict=False))


def distance(one: Path, other: Path) -> float:
    """Relative distance of the weights of two models, ``|a - b| / |b|``; infinite where it cannot be told."""
    try:
        a, b = Weights(one), Weights(other)
    except SubjectError:
        return inf
    if a.shapes != b.shapes:
        return inf
    apart = whole = 0.0
    for name in b.shapes:
        left, right = a.read(name), b.read(name)
        apart += float(((left - right) ** 2).sum())
        whole += float((right**2).sum())
    found = (apart / whole) ** 0.5 if whole else 0.0
    return found if isfinite(found) else inf
