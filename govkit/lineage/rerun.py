"""Replay: are the same code, data and base here, and does the run yield the same weights again?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from govkit import manifest
from govkit.core import Fact, Run
from govkit.data import bytes_digest
from govkit.errors import EvidenceError, UsageError
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
        answer: Of the weights: ``equal bits``; ``equal within noise``: no farther from the recorded weights than two
            reruns are from each other; ``different``.
        distance: Relative distance of the nearest rerun, ``|a - b| / |b|`` over all weights; 0 for equal bits.
        noise: Largest relative distance between two reruns; None where one rerun had equal bits.
        reruns: How often the run was repeated.
    """

    here: Mapping[str, State]
    answer: Answer
    distance: float
    noise: float | None
    reruns: int


def replay(record: str | Path, *, root: str | Path = ".") -> Replay:
    """Repeat a recorded run in a folder of its own, from copies of the files that it was seen to read.

    One rerun settles equal bits. Where bits differ, two more measure the noise of the run itself.

    Args:
        record: The ``run.json`` of a run of a script, by ``govkit record -- SCRIPT`` or with ``record()`` inside.
        root: Folder in which the run was started.

    Raises:
        UsageError: The run did not finish or was no script, something that it needs is not here, or a rerun fails.
    """
    file = Path(record)
    file = file / "run.json" if file.is_dir() else file
    run, start = read_run(file), Path(root).resolve()
    script, arguments = _command(file, run)
    model = location.model_folder(file, run)
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
    answer: Answer = "equal within noise" if nearest <= noise else "different"
    return Replay(here, answer, nearest, noise, len(found))


def _command(file: Path, run: Run) -> tuple[str, Sequence[str]]:
    script, arguments = run.code.get("script"), run.code.get("arguments")
    if run.exit != "finished":
        raise UsageError(f"{file}: the run is {run.exit}; only a finished run can be compared with another")
    if script is None or script.value is None:
        raise UsageError(f"{file}: no script is on record, so there is nothing that could be run again")
    given = list(arguments.value or ()) if arguments is not None else []
    if any(HIDDEN in each for each in given):
        raise UsageError(f"{file}: an argument of the script was private and is not on record; run it by hand")
    packages = sysconfig.get_path("purelib")
    return str(script.value), [each.replace("<packages>", packages) for each in given]


def _here(run: Run, root: Path, file: Path) -> Iterator[tuple[str, State]]:
    now = environment.code(root, script=None)
    for name in ("commit", "diff_sha256"):
        yield f"code: {name}", _compared(run.code.get(name), now[name].value)
    script = root / str(run.code["script"].value)
    yield "code: script", _compared(run.code.get("script_sha256"), _sha256(script))
    for name, digest in (run.code["preprocessing"].value or {}).items():
        yield f"code: {name}", "same" if _sha256(root / name) == digest else "different"
    for component in run.data:
        place = component.details.get("place")
        known = place is not None and place.value is not None
        yield (
            f"data: {component.id.value}",
            _compared(
                component.details.get("bytes"),
                _digest(root / str(place.value)) if known and place is not None else None,
            ),
        )
    try:
        location.base_folder(file, run)
        yield "base", "same"
    except UsageError:
        yield "base", "not known" if run.base.digest.value is None else "different"
    packages = environment.installed(run.environment["packages"].value or {})
    yield "packages", _compared(run.environment.get("packages"), packages)


def _compared(fact: Fact | None, now: object) -> State:
    if fact is None or fact.value is None or now is None:
        return "not known"
    return "same" if fact.value == now else "different"


def _sha256(path: Path) -> str | None:
    try:
        return f"sha256:{manifest.walk(path)[0].sha256}"
    except (UsageError, EvidenceError):
        return None


def _digest(path: Path) -> str | None:
    try:
        return bytes_digest(path)
    except (UsageError, EvidenceError):
        return None


def _rerun(run: Run, script: str, arguments: Sequence[str], *, start: Path, folder: Path) -> Path:
    """Record it once more, in a folder that holds copies of what it read and nothing that it wrote."""
    work, out = folder / "work", folder / "run"
    for name in (script, *(run.code["preprocessing"].value or {}), *(read.path for read in run.reads)):
        _copy(start, work, name)
    command = [sys.executable, "-m", "govkit", "record", "-o", str(out / "run.json"), "--", script, *arguments]
    if run.parts[-1].exit_code is None:
        command = [sys.executable, script, *arguments]
    done = subprocess.run(
        command, cwd=work, env=os.environ | {REPLAY: str(out)}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UsageError(f"the rerun of {script} ended with {done.returncode}: {last}")
    return out / "run.json"


def _seeds(run: Run, again: Run) -> State:
    then = {name: fact.value for name, fact in run.seeds.items()}
    known = any(value is not None for value in then.values())
    return _compared(observed(then if known else None), {name: fact.value for name, fact in again.seeds.items()})


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
    """Relative distance of the weights of two models, ``|a - b| / |b|``; infinite where their shapes differ."""
    a, b = Weights(one), Weights(other)
    if a.shapes != b.shapes:
        return float("inf")
    apart = whole = 0.0
    for name in b.shapes:
        left, right = a.read(name), b.read(name)
        apart += float(((left - right) ** 2).sum())
        whole += float((right**2).sum())
    return (apart / whole) ** 0.5 if whole else 0.0
