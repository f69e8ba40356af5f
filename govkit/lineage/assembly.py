"""Puts the record together from what was seen and told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from govkit import manifest
from govkit.core import Component, Exit, Fact, Part, Problem, Read, Run
from govkit.data import bytes_digest, shared_rows
from govkit.errors import EvidenceError, UsageError
from govkit.lineage import environment, journal, sources
from govkit.lineage.cost import Clock
from govkit.lineage.facts import OPEN, complete, observed
from govkit.lineage.reads import Reads
from govkit.lineage.reads import Seen as Sighting
from govkit.lineage.sources import Source, Telling
from govkit.lineage.ways import Ways

TABLES = (".csv", ".tsv", ".jsonl", ".parquet", ".pq", ".arrow", ".feather", ".csv.gz", ".jsonl.gz")
"""Endings of files that are taken for data when a run opens them."""
MOST_READS = 10_000
"""Files that a record lists."""


@dataclass(frozen=True)
class Seen:
    """All that a recorder holds of a run that goes on or has ended."""

    name: str
    base: Component | None
    place: Path | None
    bases: dict[Path, Component]
    root: Path
    sources: Sequence[Source]
    told: Mapping[str, dict[str, Fact]]
    code: dict[str, Fact]
    clock: Clock
    ways: Ways
    reads: Reads
    held: ExitStack
    model_dir: Path
    problems: Sequence[Problem]
    before: Run | None
    script: Path | None
    exit_code: int | None


def assemble(seen: Seen, how: Exit) -> Run:
    """The record of a run: while it goes on without digests of what it reads and makes, in the end with them."""
    way, over = seen.ways.primary(), how != "unfinished"
    found = way.facts() if way is not None else {}
    model = way.model if way is not None else None
    data = [*seen.sources, *(_found_data(seen) if over else ())]
    outputs, artifact = _outputs(seen, how)
    problems = [*seen.problems, *(_problems(seen) if over else ())]
    parts = {
        "tokenizer": found.get("tokenizer", {}),
        "splits": _splits(data, seen) if over else {},
        "method": found.get("method", {}),
        "hyperparameters": found.get("hyperparameters", {}),
        "seeds": seen.ways.seeds(),
        "code": seen.code
        | ({"preprocessing": environment.preprocessing(seen.root, script=seen.script)} if over else {}),
        "environment": environment.environment(model) if over else {},
        "cost": seen.clock.cost(model),
    }
    run = Run(
        name=seen.name,
        base=seen.base or _loaded_base(seen),
        data=tuple(source.component for source in data),
        seed=way.seed if way is not None else OPEN,
        outputs=outputs,
        artifact=artifact,
        history=way.history() if way is not None else (),
        reads=tuple(_reads(seen)) if over else (),
        channels=seen.reads.channels() if over else {},
        parts=(_part(seen, how),),
        problems=tuple(dict.fromkeys(problems)),
        exit=how,
        started=_when(seen.clock),
        **{name: _with_told(complete(name, facts), seen.told.get(name, {})) for name, facts in parts.items()},
    )
    return journal.joined(seen.before, run)


def _with_told(found: dict[str, Fact], told: Mapping[str, Fact]) -> dict[str, Fact]:
    return {name: told.get(name, fact) if fact.seen == "unknown" else fact for name, fact in found.items()}


def _when(clock: Clock) -> str:
    return datetime.fromtimestamp(clock.started, UTC).isoformat(timespec="seconds")


def _part(seen: Seen, how: Exit) -> Part:
    way, cost = seen.ways.primary(), seen.clock.cost(None)
    return Part(
        started=_when(seen.clock),
        exit=how,
        exit_code=seen.exit_code,
        first_step=0 if way is None else way.first_step,
        steps_done=0 if way is None else way.steps,
        wall_s=cost["wall_s"].value,
        cpu_s=cost["cpu_s"].value,
    )


def base_place(ways: Ways) -> Path | None:
    """Where the base was loaded from, as far as it was seen and lies on this machine."""
    way = ways.primary()
    load = ways.base_of(way.model if way is not None else None)
    return None if load is None else load.folder()


def _loaded_base(seen: Seen) -> Component:
    """The base that was seen to be loaded, as it was when this was first asked: the run may write over it."""
    place = base_place(seen.ways)
    if place is None:
        return sources.no_base("no base was declared, and none was seen to be loaded")
    if place not in seen.bases:
        try:
            seen.bases[place] = sources.base_component(place, package=None, license=None, base_id=None)
        except UsageError as error:
            return sources.no_base(str(error))
    return seen.bases[place]


def _found_data(seen: Seen, problems: list[Problem]) -> Iterator[Source]:
    """Tables that were opened and that nobody declared; of copies with the same rows the first."""
    known = {source.component.digest for source in seen.sources}
    base = seen.place or base_place(seen.ways)
    own = [seen.model_dir, *([] if base is None else [base, base.resolve()])]
    for path, file in seen.reads.files().items():
        if (
            file.mode == "written"
            or not path.name.lower().endswith(TABLES)
            or any(map(path.is_relative_to, own))
            or _declared(path, seen)
            or not path.is_file()
        ):
            continue
        try:
            found = sources.data_source(path, role=None, said=Telling(package=sources.package_of(path)), held=seen.held)
        except DataError:
            # No table after all, or an empty one: it stays in the list of files that were read.
            continue
        except UsageError as error:
            problems.append(Problem(kind="record lost", what=str(error)))
            continue
        if found.component.digest not in known:
            known.add(found.component.digest)
            yield found


def _declared(path: Path, seen: Seen) -> bool:
    """Whether a file is a declared data source, or a part of one."""
    places = [str(source.component.details["place"].value) for source in seen.sources]
    real = path.resolve()
    return any(real.is_relative_to(Path(each).resolve()) or fnmatch(str(path), each) for each in places)


def _splits(data: Sequence[Source], seen: Seen) -> dict[str, Fact]:
    rows: dict[str, int] = {}
    for source in data:
        role = source.component.role
        rows[role] = rows.get(role, 0) + int(source.component.rows.value)
    columns = {str(source.component.details["columns"].value) for source in data}
    comparable = len(data) > 1 and len(columns) == 1
    why = "rows are compared between sources with the same columns; there are no two of them"
    return {
        "rows": observed(rows or None),
        "shared_rows": observed(shared_rows([source.rows for source in data]) if comparable else None, why),
        "method": seen.ways.split_method(),
    }


def _problems(seen: Seen) -> Iterator[Problem]:
    for source in seen.sources:
        place = source.component.details["place"].value
        if place is not None and not _same_bytes(Path(place), str(source.component.details["bytes"].value)):
            yield Problem(kind="data changed", what=f"{place}: its bytes changed during the run")
    for path, file in seen.reads.files().items():
        if file.mode == "read" and path.name.lower().endswith(TABLES) and _changed(path, file):
            yield Problem(kind="data changed", what=f"{path}: the file changed after it was first read")
    for check in seen.reads.stale_caches():
        if check.state == "stale":
            files = ", ".join(map(str, check.files))
            yield Problem(kind="stale cache", what=f"{files}: a cache served rows that are not in it; {check.reason}")
    loaded = base_place(seen.ways)
    if seen.place is not None and loaded is not None and sources.weights_of(loaded) != sources.weights_of(seen.place):
        yield Problem(kind="other base", what=f"{seen.place} was declared as the base, the weights came from {loaded}")


def _changed(path: Path, file: Sighting) -> bool:
    try:
        now = path.stat()
    except OSError:
        return True
    return (now.st_size, now.st_mtime_ns, now.st_ino) != (file.size, file.mtime_ns, file.inode)


def _same_bytes(path: Path, digest: str) -> bool:
    try:
        return bytes_digest(path) == digest
    except (UsageError, EvidenceError):
        return False


def _reads(seen: Seen) -> Iterator[Read]:
    files = ((path, file) for path, file in seen.reads.files().items() if file.mode != "written")
    for path, file in islice(files, MOST_READS):
        try:
            (digest,) = manifest.walk(path.resolve(), strict=False)
        except (UsageError, EvidenceError, ValueError):
            yield Read(path=str(path), channels=tuple(sorted(file.channels)))
            continue
        yield Read(
            path=str(path), channels=tuple(sorted(file.channels)), size=digest.size, sha256=f"sha256:{digest.sha256}"
        )


def model_place(model_dir: Path, saves: Sequence[Path]) -> Path | None:
    """Where the tuned model lies: ``model`` beside the record, else what was saved last, checkpoints aside."""
    if model_dir.exists():
        return model_dir
    there = [path for path in saves if path.exists()]
    final = [path for path in there if not path.name.startswith("checkpoint-")]
    return next(iter([*reversed(final), *reversed(there)]), None)


def _outputs(seen: Seen, how: Exit) -> tuple[dict[str, str], Fact]:
    """Files of the tuned model and its digest; only a run that finished has one."""
    if how != "finished":
        return {}, observed(None, "the run did not finish" if how != "unfinished" else "the run has not ended")
    place = model_place(seen.model_dir, seen.ways.saves)
    if place is None:
        return {}, observed(None, "no model was seen to be saved")
    try:
        listed = {file.path: f"sha256:{file.sha256}" for file in manifest.walk(place, strict=False)}
        return listed, observed(manifest.artifact_digest(place, strict=False))
    except (UsageError, EvidenceError) as error:
        return {}, observed(None, str(error))
