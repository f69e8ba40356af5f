"""The record on disk: written whole or not at all, and gone on with where a run did not finish."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from govkit.core import Component, Fact, Problem, Run
from govkit.errors import UsageError
from govkit.lineage.facts import observed
from govkit.lineage.reading import read_run
from govkit.lineage.sources import TABLES

NAME = "run.json"


def write(out: Path, run: Run) -> None:
    """Write the record whole or not at all."""
    partial = out / f".{NAME}.partial"
    try:
        with partial.open("w", encoding="utf-8") as stream:
            stream.write(run.model_dump_json(by_alias=True, indent=2) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(out / NAME)
    finally:
        partial.unlink(missing_ok=True)


def before(out: Path, *, resume: bool) -> Run | None:
    """The record of the part before, where a run is resumed.

    Raises:
        UsageError: There is a run or a model and nobody asked to resume, or there is nothing to resume.
    """
    if not resume:
        for taken in (NAME, "model"):
            if (out / taken).exists():
                raise UsageError(
                    f"{out / taken} exists already: a run is never recorded over another; name a new folder, "
                    "or resume the run if it did not finish"
                )
        return None
    run = read_run(out / NAME)
    if run.exit == "finished":
        raise UsageError(f"{out / NAME}: this run finished, there is nothing to resume; name a new folder")
    return run


def refuse_other_base(earlier: Run | None, base: Component | None) -> None:
    """A run goes on from the base that it started from."""
    if earlier is None or base is None or earlier.base.digest.value in (None, base.digest.value):
        return
    raise UsageError(
        f"the run started from the base {earlier.base.id.value} ({earlier.base.digest.value}) and cannot go on from "
        f"{base.id.value} ({base.digest.value}): name the same base, or record a new run"
    )


def joined(earlier: Run | None, run: Run) -> Run:
    """One run out of its parts: what the last part says, and what the earlier ones did."""
    if earlier is None:
        return run
    known = {(part.role, part.id.value, part.digest.value) for part in run.data}
    kept = tuple(part for part in earlier.data if (part.role, part.id.value, part.digest.value) not in known)
    began = run.hyperparameters["first_step"]
    cut = began.value if began.value is not None else float("inf")
    history = [row for row in earlier.history if row.get("step", 0) <= cut]
    return run.model_copy(
        update={
            "data": (*kept, *run.data),
            "code": {name: _agreed(name, earlier.code.get(name), fact) for name, fact in run.code.items()},
            "hyperparameters": run.hyperparameters | _steps(earlier, run),
            "cost": {name: _cost(name, earlier.cost.get(name), fact) for name, fact in run.cost.items()},
            # A Trainer takes the entries of before from its checkpoint along.
            "history": (*history, *(row for row in run.history if row not in history)),
            "reads": tuple({read.path: read for read in (*earlier.reads, *run.reads)}.values()),
            "parts": (*earlier.parts, *run.parts),
            "problems": tuple(dict.fromkeys((*earlier.problems, *run.problems, *_lost(earlier, run)))),
            "started": earlier.started,
        }
    )


def _lost(earlier: Run, run: Run) -> Iterator[Problem]:
    """Data that a killed part read and the rest of the run did not: its content is not on record."""
    known = {read.path for read in run.reads}
    known |= {str(part.details["place"].value) for part in run.data if "place" in part.details}
    unread = [read.path for read in earlier.reads if not read.sha256 and read.path not in known]
    gone = [path for path in unread if path.lower().endswith(TABLES)]
    if run.exit != "unfinished" and gone:
        listed = ", ".join(gone[:5]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
        yield Problem(kind="record lost", what=f"a part that was killed read data that was never digested: {listed}")


def _agreed(name: str, earlier: Fact | None, now: Fact) -> Fact:
    """A fact of the code that all parts of a run share; their arguments may differ, as to resume is one of them."""
    open_ = earlier is None or "unknown" in (earlier.seen, now.seen)
    if name == "arguments" or open_ or earlier == now:
        return now
    return observed(None, "the parts of the run were not made by the same code")


def _steps(earlier: Run, run: Run) -> dict[str, Fact]:
    """Steps that the weights went through: from the step of the checkpoint on, or else those of all parts."""
    part, first = run.parts[-1], earlier.parts[0].first_step
    if run.hyperparameters["first_step"].seen == "observed":
        done = part.first_step + part.steps_done - first
    else:
        done = sum(each.steps_done for each in (*earlier.parts, part))
        if "unfinished" in [each.exit for each in earlier.parts]:
            why = f"at least {done}: a part of the run was killed after its last entry"
            return {"first_step": observed(first), "steps_done": observed(None, why)}
    seen = run.hyperparameters["steps_done"].seen == "observed"
    return {"first_step": observed(first), "steps_done": observed(done) if seen else run.hyperparameters["steps_done"]}


def _cost(name: str, earlier: Fact | None, now: Fact) -> Fact:
    if earlier is None or not isinstance(earlier.value, int | float) or not isinstance(now.value, int | float):
        return now
    total = max(earlier.value, now.value) if name.startswith("peak_") else round(earlier.value + now.value, 6)
    return now.model_copy(update={"value": total})
