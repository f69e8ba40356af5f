"""``record()``: a context manager around a training run that writes what the run was made of."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from govkit import manifest
from govkit.core import Component, Fact, Role, Run
from govkit.errors import UsageError
from govkit.lineage import environment, location, sources, trainer
from govkit.lineage.facts import OPEN, complete, observed

Exit = Literal["finished", "failed", "interrupted"]


def record(
    out: str | Path,
    *,
    base: str | Path,
    base_package: str | None = None,
    base_id: str | None = None,
    base_revision: str | None = None,
    license: str | None = None,
    name: str | None = None,
) -> Recorder:
    """Record a fine-tuning run.

    ::

        with govkit.record("runs/sms", base=base_dir) as run:
            run.add_data("train.parquet", role="train", license="CC-BY-4.0")
            run.watch(trainer)
            trainer.train()

    However the block ends, ``OUT/run.json`` is written. On a clean end the tuned model and its tokenizer are saved to
    ``OUT/model``, unless the block has done so itself.

    Args:
        out: Folder for the record and the tuned model; made if it does not exist.
        base: Folder of the pretrained base.
        base_package: Installed distribution that the base came in.
        base_id: Name of the base, if its folder does not tell.
        base_revision: Its version, if its folder does not tell.
        license: License declared for the base, as an SPDX expression.
        name: Name of the run; the name of the folder if not given.

    Raises:
        UsageError: The folder holds a run or a model already, or the base cannot be read.
    """
    folder = Path(out)
    for taken in ("run.json", "model"):
        if (folder / taken).exists():
            raise UsageError(
                f"{folder / taken} exists already: a run is never recorded over another; name a new folder"
            )
    component = sources.base_component(
        Path(base), package=base_package, license=license, base_id=base_id, revision=base_revision
    )
    return Recorder(folder, component, base=Path(base), name=name or folder.resolve().name)


class Recorder:
    """Takes down the facts of one run; made by :func:`record`."""

    def __init__(self, out: Path, component: Component, *, base: Path, name: str) -> None:
        self.out = out
        self._folder = base
        self.model_dir = out / "model"
        self._base = component
        self._name = name
        self._data: list[Component] = []
        self._watch: trainer.Watch | None = None
        self._clock = environment.Clock()
        self._code: dict[str, Fact] = {}

    def __enter__(self) -> Self:
        self.out.mkdir(parents=True, exist_ok=True)
        location.remember(self.out, self._folder)
        self._clock = environment.Clock()
        # The state of the code now is what runs; at the end somebody may have edited on.
        self._code = environment.code()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        how = _how(error)
        watched = self._watch
        if watched is not None:
            watched.release()
            if not watched.trainer.is_world_process_zero():
                return
        try:
            if how == "finished" and watched is not None and watched.began and not self.model_dir.exists():
                _save(watched.trainer, self.model_dir)
        except BaseException as failure:
            how = _how(failure)
            raise
        finally:
            _write(self.out / "run.json", self._run(how))

    def add_data(
        self,
        data: Any,
        *,
        role: Role = "train",
        id: str | None = None,
        revision: str | None = None,
        license: str | None = None,
        package: str | None = None,
        folder: str | Path | None = None,
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
            notes: Facts about it, for example ``{"raw_rows": 4862}``.

        Returns:
            The component as recorded.

        Raises:
            UsageError: The data cannot be read, or a note is not plain data.
        """
        _must_be_plain(notes or {})
        component = sources.data_component(
            data, role=role, id=id, revision=revision, license=license, package=package, folder=folder, notes=notes
        )
        self._data.append(component)
        return component

    def watch(self, target: Any) -> None:
        """Watch a ``transformers.Trainer`` (or a subclass of it); call it before ``train()``.

        Raises:
            UsageError: It cannot be watched, it has trained already, or another one is being watched.
        """
        if self._watch is not None:
            raise UsageError("this run watches a trainer already: record a second training in a run of its own")
        self._watch = trainer.watch(target)

    def _run(self, how: Exit) -> Run:
        watched = self._watch
        model = watched.trainer.model if watched is not None else None
        return Run(
            name=self._name,
            base=self._base,
            data=tuple(self._data),
            method=complete("method", watched.method if watched is not None else {}),
            hyperparameters=complete("hyperparameters", trainer.hyperparameters(watched) if watched else {}),
            seed=observed(watched.trainer.args.seed) if watched is not None else OPEN,
            code=complete("code", self._code),
            environment=complete("environment", environment.environment(model)),
            cost=complete("cost", self._clock.cost(model)),
            outputs=self._outputs(),
            artifact=self._artifact(),
            history=trainer.history(watched) if watched is not None else (),
            exit=how,
            started=datetime.fromtimestamp(self._clock.started, UTC).isoformat(timespec="seconds"),
        )

    def _outputs(self) -> dict[str, str]:
        if not self.model_dir.is_dir():
            return {}
        return {file.path: f"sha256:{file.sha256}" for file in manifest.walk(self.model_dir, strict=False)}

    def _artifact(self) -> Fact:
        return observed(manifest.artifact_digest(self.model_dir, strict=False)) if self.model_dir.is_dir() else OPEN


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


def _save(watched: Any, folder: Path) -> None:
    """Save model and tokenizer (safetensors); the folder appears when it is complete.

    ``Trainer.save_model`` would add a pickle of its arguments, which can hold credentials.
    """
    partial = folder.with_name(".model.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        watched.accelerator.unwrap_model(watched.model).save_pretrained(partial)
        if watched.processing_class is not None:
            watched.processing_class.save_pretrained(partial)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(path: Path, run: Run) -> None:
    """Write the record whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(run.model_dump_json(by_alias=True, indent=2) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
