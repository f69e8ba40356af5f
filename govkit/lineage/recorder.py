"""``record()``: a context manager around a training run that writes what the run was made of."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from govkit.core import Component, Exit, Problem, Role, Run
from govkit.errors import UsageError
from govkit.lineage import assembly, environment, journal, location, sources
from govkit.lineage.cost import Clock
from govkit.lineage.facts import FACTS, stated
from govkit.lineage.privacy import Veil
from govkit.lineage.reads import Reads
from govkit.lineage.reads.patching import Patches
from govkit.lineage.ways import Ways
from govkit.subjects.weights import Weights

PAUSE = 10.0
"""Seconds between two entries in the journal; more where one takes above 10 ms, so that they take a thousandth."""
REPLAY = "GOVKIT_REPLAY_OUT"
"""Environment variable by which a replay leads a recorded script to another folder."""

_active: list[Recorder] = []


def record(
    out: str | Path,
    *,
    base: str | Path | None = None,
    base_package: str | None = None,
    base_id: str | None = None,
    base_revision: str | None = None,
    license: str | None = None,
    name: str | None = None,
    data_roots: Sequence[str | Path] = (),
    resume: bool = False,
    energy: Literal["codecarbon"] | None = None,
) -> Recorder:
    """Record a fine-tuning run.

    ::

        with govkit.record("runs/sms", base=base_dir) as run:
            run.add_data("train.parquet", role="train", license="CC-BY-4.0")
            run.watch(trainer)
            trainer.train()

    ``OUT/run.json`` is written when the block begins, now and then while it goes on, and when it ends, however it ends;
    a killed run leaves a record that says ``unfinished``. On a clean end the tuned model and its tokenizer are saved to
    ``OUT/model``, unless the block has done so itself.

    Args:
        out: Folder for the record and the tuned model; made if it does not exist.
        base: Folder or file of the pretrained base; what the run was seen to load if not given.
        base_package: Installed distribution that the base came in.
        base_id: Name of the base, if its folder does not tell.
        base_revision: Its version, if its folder does not tell.
        license: License declared for the base, as an SPDX expression.
        name: Name of the run; the name of the folder if not given.
        data_roots: Folders in which every opened file is seen, whoever opens it.
        resume: Go on with the run that ``OUT/run.json`` says did not finish; both become one run with two parts.
        energy: ``codecarbon`` estimates the energy, accelerators included, in place of the processors' counters.

    Raises:
        UsageError: The folder holds a run or a model already, there is nothing to resume, or the base cannot be read.
    """
    folder = Path(os.environ.get(REPLAY) or out)
    before = journal.before(folder, resume=resume)
    component = None
    if base is not None:
        component = sources.base_component(
            Path(base), package=base_package, license=license, base_id=base_id, revision=base_revision
        )
    elif before is not None and before.base.digest.value is not None:
        component, base = before.base, location.still_there(folder / journal.NAME, before)
    journal.refuse_other_base(before, component)
    for root in data_roots:
        if not Path(root).is_dir():
            raise UsageError(f"the data root {str(root)!r} is not a folder: name the folder that holds the data")
    place = None if base is None else Path(base).absolute()
    seen = assembly.Recording(name or folder.resolve().name, component, place, folder.absolute() / "model", before)
    return Recorder(seen, [Path(root).resolve() for root in data_roots], energy)


class Recorder:
    """Takes down the facts of one run; made by :func:`record`.

    Attributes:
        out: Folder of the record.
        model_dir: Folder of the tuned model.
        problems: What was found to speak against the record.
    """

    def __init__(self, seen: assembly.Recording, roots: Sequence[Path], energy: Literal["codecarbon"] | None) -> None:
        self.out = seen.model_dir.parent
        self.model_dir = seen.model_dir
        self.problems = seen.problems
        self._seen, self._roots, self._energy = seen, roots, energy
        self._due = 0.0
        self._main = os.environ.get("RANK", "0") == "0"
        self._end: Exit | None = None

    def __enter__(self) -> Self:
        if _active:
            raise UsageError(
                f"a run is recorded in this process already, in {_active[0].out}: end that one before another begins"
            )
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            if self._seen.place is not None:
                location.remember(self.out, location.BASE, self._seen.place)
        except OSError as error:
            raise UsageError(f"{self.out}: a record cannot be written there ({error.strerror}); name another") from None
        seen, self._pid = self._seen, os.getpid()
        seen.root = Path.cwd()
        self._veil = Veil(seen.root)
        # The state of the code now is what runs; at the end somebody may have edited on.
        seen.code = environment.code(seen.root, script=None if seen.script is None else (seen.script, seen.arguments))
        seen.clock = Clock(energy=self._energy)
        self._patches = Patches()
        seen.reads = Reads(self._roots, self._patches)
        seen.ways = Ways(self._patches, self._tick)
        seen.reads.start()
        _active.append(self)
        self._note()
        # The first step is written down at once: from then on it is known what is trained, and from which base.
        self._due = 0.0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        how = self._end if error is None and self._end else _how(error)
        way = self._seen.ways.primary()
        # A forked child that comes here has a copy of the recorder, and writes nothing.
        self._main = self._main and os.getpid() == self._pid and (way is None or way.main)
        try:
            if how == "finished" and self._main and self._seen.script is None and way is not None and way.began:
                self._save(way)
        except BaseException as failure:
            how = _how(failure)
            raise
        finally:
            self._close(how)

    def add_data(
        self,
        data: Any,
        *,
        role: Role | None = "train",
        id: str | None = None,
        revision: str | None = None,
        license: str | None = None,
        package: str | None = None,
        folder: str | Path | None = None,
        collection: str | None = None,
        consent: str | None = None,
        notes: Mapping[str, Any] | None = None,
    ) -> Component:
        """Take down a data source.

        Args:
            data: A path, a list of dicts, a pandas frame, a pyarrow table or a ``datasets.Dataset``, as it is before
                tokenizing.
            role: What it is used for.
            id: Name by which people know it; the name of the file if not given.
            revision: Its version.
            license: License declared for it, as an SPDX expression. Evidence that says otherwise makes a conflict.
            package: Installed distribution that it came in: its license files and metadata are evidence.
            folder: Folder in which to look for a license file or a card.
            collection: How it was collected.
            consent: What the people in it agreed to.
            notes: Facts about it, for example ``{"raw_rows": 4862}``.

        Returns:
            The component as recorded.

        Raises:
            UsageError: The data cannot be read, or a note is not plain data.
        """
        _must_be_plain(notes or {})
        said = sources.Telling(id, revision, license, package, folder, collection, consent, notes or {})
        # What govkit itself opens to digest it is not read by the run.
        with self._seen.reads.paused() if self in _active else nullcontext():
            source = sources.data_source(data, role=role, said=said, held=self._seen.held)
        self._seen.sources.append(source)
        return source.component

    def watch(self, *targets: Any) -> None:
        """Name what trains, where several things do or it was made before the block began.

        Args:
            targets: A transformers Trainer (TRL's too), a Lightning Trainer, an accelerate Accelerator, a torch model
                with its optimizer and data loader, or a scikit-learn estimator; before it trains.

        Raises:
            UsageError: It cannot be watched, it has trained already, or another one is being watched.
        """
        self._seen.ways.watch(*targets)

    def declare(self, name: str, value: Any) -> None:
        """Tell a fact that govkit cannot see; a fact that it does see keeps what was seen.

        Args:
            name: ``part.name`` as in ``govkit.lineage.FACTS``, for example ``splits.method``.
            value: A number, a text, a truth or a list of these.

        Raises:
            UsageError: There is no such fact.
        """
        part, _, fact = name.partition(".")
        if fact not in FACTS.get(part, {}) or part in ("base", "data", "outcome"):
            raise UsageError(f"no fact {name!r} can be declared: name one as in govkit.lineage.FACTS")
        _must_be_plain({name: value})
        self._seen.told.setdefault(part, {})[fact] = stated(value)

    def observe(self, script: Path, arguments: Sequence[str], data: Mapping[str, Role]) -> None:
        """The run will be a script: it saves its own model, and how it ends is told by :meth:`ended`."""
        self._seen.script, self._seen.arguments = script, arguments
        try:
            for path, role in data.items():
                self.add_data(path, role=role)
        except UsageError:
            self._seen.held.close()
            raise

    def ended(self, how: Exit, exit_code: int) -> None:
        """How the script ended."""
        self._end, self._seen.exit_code = how, exit_code

    def _tick(self) -> None:
        """An optimizer step was done: write it down, if the last entry is old."""
        if time.monotonic() >= self._due:
            self._note()

    def _note(self) -> None:
        """An entry in the journal: the record as it stands, unfinished. A full disk must not stop the training."""
        began = time.thread_time()
        # A thread may train on after the block has ended: what is written then is written.
        if not self._main or os.getpid() != self._pid or self not in _active:
            return
        try:
            with self._seen.reads.paused():
                journal.write(self.out, self._run("unfinished"))
                self._remember_base()
        except OSError as error:
            lost = f"the record could not be kept up during the run: {error.strerror}"
            if lost not in {problem.what for problem in self.problems}:
                self.problems.append(Problem(kind="record lost", what=lost))
        self._due = time.monotonic() + PAUSE * max(1.0, 100 * (time.thread_time() - began))

    def _run(self, how: Exit) -> Run:
        run = self._veil.run(assembly.assemble(self._seen, how))
        # The parts before are on record as the veil shows them.
        return journal.joined(self._seen.before, run)

    def _save(self, way: Any) -> None:
        """Save model and tokenizer; the folder appears when it is complete."""
        if self.model_dir.exists():
            return
        partial = self.model_dir.with_name(".model.partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            # An adapter that was merged into its base holds nothing any more.
            if way.save(partial) and Weights(partial).shapes:
                partial.replace(self.model_dir)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _close(self, how: Exit) -> None:
        """Write the record, and take every hook out."""
        try:
            self._seen.reads.stop()
            self._seen.clock.stop()
            if self._main:
                self._write(how)
        except OSError as error:
            lost = UsageError(
                f"{self.out / 'run.json'}: the record could not be written ({error.strerror}); the training itself "
                f"{how}; the record that lies there says less than what happened"
            )
            lost.exit_code = self._seen.exit_code or lost.exit_code
            raise lost from error
        finally:
            self._seen.ways.release()
            self._patches.undo()
            self._seen.held.close()
            _active.remove(self)

    def _write(self, how: Exit) -> None:
        """The record of the whole run, and beside it where the base and the model lie."""
        run = self._run(how)
        if how == "finished":
            self._remember(location.MODEL, assembly.model_place(self.model_dir, self._seen.ways))
        self._remember_base()
        journal.write(self.out, run)

    def _remember_base(self) -> None:
        if self._seen.place is None:
            self._remember(location.BASE, assembly.base_place(self._seen.ways))

    def _remember(self, name: str, place: Path | None) -> None:
        if place is not None and place != self.model_dir:
            location.remember(self.out, name, place)


def _how(error: BaseException | None) -> Exit:
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "finished"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"


def _must_be_plain(notes: Mapping[str, Any]) -> None:
    for name, value in notes.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UsageError(f"note {name!r}: {error}; expected a number, a text, a truth or a list of these") from None
