"""Puts the record together from what was seen and told."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

from govkit import manifest
from govkit.core import Component, Exit, Fact, Part, Problem, Read, Run
from govkit.data import shared_rows
from govkit.errors import DataError, EvidenceError, SubjectError, UsageError
from govkit.lineage import environment, sources
from govkit.lineage.cost import Clock
from govkit.lineage.facts import OPEN, complete, observed
from govkit.lineage.reads import Reads, Seen
from govkit.lineage.sources import Source, Telling
from govkit.lineage.ways import Ways
from govkit.subjects import compare_weights

CHECKPOINT = "checkpoint-"
"""How the names of folders begin in which a Trainer saves what it can go on from."""
MOST_READS = 10_000
"""Files that a record lists."""
MOST_NOTED = 1_000
"""Files that are noted while the run goes on."""


@dataclass
class Recording:
    """All that a recorder holds of a run that goes on or has ended; the last five from when it begins."""

    name: str
    base: Component | None
    place: Path | None
    model_dir: Path
    before: Run | None
    bases: dict[Path, Component] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    told: dict[str, dict[str, Fact]] = field(default_factory=dict)
    held: ExitStack = field(default_factory=ExitStack)
    problems: list[Problem] = field(default_factory=list)
    script: Path | None = None
    arguments: Sequence[str] = ()
    exit_code: int | None = None
    root: Path = field(init=False)
    code: dict[str, Fact] = field(init=False)
    clock: Clock = field(init=False)
    ways: Ways = field(init=False)
    reads: Reads = field(init=False)


def assemble(seen: Recording, how: Exit) -> Run:
    """The record of a run: while it goes on without digests of what it reads and makes, in the end with them."""
    way, over = seen.ways.primary(), how != "unfinished"
    found = way.facts() if way is not None else {}
    model = way.model if way is not None else None
    problems = [*seen.problems, *(_problems(seen) if over else ())]
    data = [*seen.sources, *(_found_data(seen, problems) if over else ())]
    outputs, artifact = _outputs(seen, how)
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
    return Run(
        name=seen.name,
        base=seen.base or _loaded_base(seen),
        data=tuple(source.component for source in data),
        seed=way.seed if way is not None else OPEN,
        outputs=outputs,
        artifact=artifact,
        history=way.history() if way is not None else (),
        reads=tuple(_reads(seen, over=over)),
        channels=_channels(seen) if over else {},
        parts=(_part(seen, how),),
        problems=tuple(dict.fromkeys(problems)),
        exit=how,
        started=_when(seen.clock),
        **{name: _with_told(complete(name, facts), seen.told.get(name, {})) for name, facts in parts.items()},
    )


def _with_told(found: dict[str, Fact], told: Mapping[str, Fact]) -> dict[str, Fact]:
    return {name: told.get(name, fact) if fact.seen == "unknown" else fact for name, fact in found.items()}


def _when(clock: Clock) -> str:
    return datetime.fromtimestamp(clock.started, UTC).isoformat(timespec="seconds")


def _part(seen: Recording, how: Exit) -> Part:
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
    # Of several trainings that are all as good, only what all can have come from is known.
    load = ways.base_of(None if way is None or way.contested else way.model)
    return None if load is None else load.folder()


def _loaded_base(seen: Recording) -> Component:
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


def _found_data(seen: Recording, problems: list[Problem]) -> Iterator[Source]:
    """Tables that were opened and that nobody declared; of copies with the same rows the first."""
    known = {source.component.digest for source in seen.sources}
    base = seen.place or base_place(seen.ways)
    own = [seen.model_dir, *([] if base is None else [base, base.resolve()])]
    # Caches are Arrow files: what they were made from comes first.
    for path, file in sorted(seen.reads.files().items(), key=lambda each: each[0].suffix == ".arrow"):
        if (
            file.mode == "written"
            or not path.name.lower().endswith(sources.TABLES)
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


def _declared(path: Path, seen: Recording) -> bool:
    """Whether a file is a declared data source, or a part of one."""
    places = [source.component.details["place"].value for source in seen.sources]
    real = path.resolve()
    return any(real.is_relative_to(Path(each).resolve()) or fnmatch(str(path), each) for each in places if each)


def _splits(data: Sequence[Source], seen: Recording) -> dict[str, Fact]:
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


def _problems(seen: Recording) -> Iterator[Problem]:
    for source in seen.sources:
        place = source.component.details["place"].value
        if place is not None:
            yield from _problems_of(Path(place), str(source.component.details["bytes"].value), seen)
    for path, file in seen.reads.files().items():
        table = file.mode != "written" and path.name.lower().endswith(sources.TABLES)
        if table and not _declared(path, seen) and _changed(path, file):
            yield Problem(kind="data changed", what=f"{sources.named(path)}: the file changed after it was first read")
    with redirect_stderr(io.StringIO()):  # The script's own reading showed its progress; this one is govkit's.
        checks = seen.reads.stale_caches()
    for check in checks:
        if check.state == "stale":
            files = ", ".join(map(str, check.files))
            yield Problem(kind="stale cache", what=f"{files}: a cache served rows that are not in it; {check.reason}")
    loaded = base_place(seen.ways)
    if loaded is not None and not _is_declared(seen, loaded):
        yield Problem(kind="other base", what=f"the weights came from {loaded}, not from the base that is on record")


def _problems_of(place: Path, digest: str, seen: Recording) -> Iterator[Problem]:
    """What speaks against a declared data source."""
    if sources.bytes_of(place) != digest:
        yield Problem(kind="data changed", what=f"{place}: its bytes changed during the run")
    # Outside a script the rows may have been read before the recording began.
    if seen.script is not None and not _was_read(place, seen):
        yield Problem(kind="data not read", what=f"{place}: was declared, and was not seen to be read")


def _was_read(place: Path, seen: Recording) -> bool:
    real = place.resolve()
    return any(path.resolve().is_relative_to(real) or fnmatch(str(path), str(place)) for path in seen.reads.files())


def _is_declared(seen: Recording, loaded: Path) -> bool:
    """Whether weights that were loaded are those of the declared base; a resumed run has tuned them already."""
    if seen.base is None or (seen.place is not None and loaded.resolve().is_relative_to(seen.place.resolve())):
        return True
    if seen.place is None:
        return _loaded_base(seen).digest == seen.base.digest
    try:
        found, told = sources.weights_of(loaded), sources.weights_of(seen.place)
    except (UsageError, EvidenceError):
        return False
    if found <= told or (bool(told) and told <= found):
        return True
    return seen.before is not None and _derived(loaded, seen.place)


def _derived(weights: Path, base: Path) -> bool:
    try:
        return compare_weights(weights, base).answer in ("derived", "shares its origin")
    except SubjectError:
        return False


def _changed(path: Path, file: Seen) -> bool:
    try:
        now = path.stat()
    except OSError:
        return True
    return (now.st_size, now.st_mtime_ns, now.st_ino) != (file.size, file.mtime_ns, file.inode)


def _channels(seen: Recording) -> dict[str, str]:
    count = sum(file.mode != "written" for file in seen.reads.files().values())
    more = {
        f"files beyond the first {MOST_READS:,}": f"not seen: {count - MOST_READS:,} more were read and are not listed"
    }
    return seen.reads.channels() | (more if count > MOST_READS else {})


def _reads(seen: Recording, *, over: bool) -> Iterator[Read]:
    """Files that were read, with digests in the end; while the run goes on their names, should it be killed."""
    files = ((path, file) for path, file in seen.reads.files().items() if file.mode != "written")
    known = _digests_of_base(seen) if over else {}
    for path, file in islice(files, MOST_READS if over else MOST_NOTED):
        size, digest = _content(path, file, known) if over else (0, "")
        yield Read(path=sources.named(path), channels=tuple(sorted(file.channels)), size=size, sha256=digest)


def _content(path: Path, file: Seen, known: Mapping[Path, str]) -> tuple[int, str]:
    """Size and digest of a file as it is now; nothing where it is gone."""
    if path in known and not _changed(path, file):
        return file.size, known[path]
    with suppress(OSError), path.open("rb", buffering=0) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return stream.tell(), f"sha256:{digest}"
    return 0, ""


def _digests_of_base(seen: Recording) -> dict[Path, str]:
    """Files of the base that need not be read once more: weights can be large. Of a link its text was digested."""
    place = seen.place or base_place(seen.ways)
    files = (seen.base or _loaded_base(seen)).details["files"].value or {}
    paths = (
        {}
        if place is None
        else {(place if place.is_file() else place / name): digest for name, digest in files.items()}
    )
    return {path: digest for path, digest in paths.items() if not path.is_symlink()}


def model_place(model_dir: Path, ways: Ways) -> Path | None:
    """Where the tuned model lies: ``model`` beside the record, else where it was saved last, checkpoints aside."""
    if model_dir.exists():
        return model_dir
    there = [path for path in ways.model_saves() if path.exists()]
    final = [path for path in there if not path.name.startswith(CHECKPOINT)]
    return next(iter([*reversed(final), *reversed(there)]), None)


def _outputs(seen: Recording, how: Exit) -> tuple[dict[str, str], Fact]:
    """Files of the tuned model and its digest; only a run that finished has one."""
    if how != "finished":
        return {}, observed(None, "the run did not finish" if how != "unfinished" else "the run has not ended")
    place = model_place(seen.model_dir, seen.ways)
    if place is None:
        return {}, observed(None, "the model that was trained was not seen to be saved")
    try:
        listed = {file.path: f"sha256:{file.sha256}" for file in manifest.walk(place, strict=False)}
        return listed, observed(manifest.artifact_digest(place, strict=False))
    except (UsageError, EvidenceError) as error:
        return {}, observed(None, str(error))
