"""The files of a remedied candidate: its answers, the audit file that reads them, and the record of how it was made."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Literal

from govkit import documents, licenses, manifest
from govkit.core import Audit, Component, Dataset, Part, Predictions, Role, Run
from govkit.core.audit import BaseSource, SubjectSource
from govkit.core.case import Array
from govkit.core.columns import Columns
from govkit.core.words import Absent
from govkit.data import file_order
from govkit.errors import DataError
from govkit.lazy import np, pa
from govkit.lineage import environment, journal
from govkit.lineage.cost import Clock
from govkit.lineage.facts import complete, observed
from govkit.lineage.privacy import Veil
from govkit.lineage.sources import Telling, base_component, data_source
from govkit.pipeline.casework import Casework
from govkit.pipeline.policy import is_path
from govkit.remedies import Fitted

PREDICTION, SCORE = "remedied_prediction", "remedied_score"
TEST, SUITE, RECORD = "predictions.parquet", "suite.json", "run.json"


def write_candidate(
    folder: Path,
    work: Casework,
    root: Path,
    made: Mapping[Role, Predictions],
    *,
    name: str,
    policy: str,
    remarks: tuple[str, ...] = (),
) -> None:
    """Write answers by role, those of the rivals, and ``audit.yaml``, of a candidate whose answers are all there is.

    The base stays the model that it is; a base or an incumbent that is stored or in service becomes a file of its
    answers to the test rows. Without an incumbent the candidate as it was takes that place.

    Args:
        folder: Where to write.
        work: The audited case.
        root: Folder that the paths of its audit file start from.
        made: The new answers by role.
        name: Name of the remedy.
        policy: Name of the policy, or its path as seen from here.
        remarks: What whoever uses the answers has to know.
    """
    case = work.case
    stated = made["test"].probabilities is not None
    for role, answers in made.items():
        _write(folder / _file(role), case.data[role], _without(work, role), _cells(work, answers, stated=stated))
    span = work.audit.subject.input_range
    subject = SubjectSource(predictions=TEST, run=None if work.case.run is None else RECORD, input_range=span)
    write_audit(
        folder, work, root, subject, answered=list(made), stated=stated, name=name, policy=policy, remarks=remarks
    )


def write_audit(
    folder: Path,
    work: Casework,
    root: Path,
    subject: SubjectSource,
    *,
    answered: Collection[Role] = (),
    stated: bool = True,
    name: str,
    policy: str,
    remarks: tuple[str, ...] = (),
) -> None:
    """Write ``audit.yaml`` of a new candidate, and the answers of the rivals that become files; see above.

    Args:
        folder: Where to write.
        work: The audited case.
        root: Folder that the paths of its audit file start from.
        subject: The new candidate. Where nobody recorded the tuning it names no record: that of a remedy must not look
            like one.
        answered: Roles whose rows were written with the new answers; the others stay where they are.
        stated: Whether probabilities are stored.
        name: Name of the remedy.
        policy: Name of the policy, or its path as seen from here.
        remarks: What whoever uses the candidate has to know.
    """
    audit, case = work.audit, work.case
    rivals = tuple(_files_of_rivals(work, answered=bool(answered)))
    for of in rivals:
        # Where no incumbent is named, the candidate as it was is the one in service.
        rival = case.predictions(of) or case.predictions("candidate")
        named = case.data["test"].table.select([str(audit.columns.label), *filter(None, [audit.columns.id])])
        if rival is not None:
            _write(folder / f"{of}.parquet", case.data["test"], named, _cells(work, rival, stated=stated))
    moved = partial(_from, folder)
    changes = {
        "name": f"{work.name}, {name}",
        "subject": subject,
        "base": _base(work, folder, root, stored="base" in rivals),
        "incumbent": SubjectSource(predictions="incumbent.parquet") if "incumbent" in rivals else None,
        "data": {
            role: source.model_copy(update={"path": _file(role) if role in answered else moved(root / source.path)})
            for role, source in audit.data.items()
            if role not in answered or role != "test"
        },
        "columns": _columns(work, stated=stated, answered=bool(answered)),
        "use": audit.use.model_copy(update={"conditions": (*audit.use.conditions, *remarks)}),
        "absent": _absent(audit),
        **_beside(audit, lambda path: moved(root / path)),
        **_suite(case.suite, folder),
        "policy": moved(Path(policy)) if is_path(policy) else policy,
    }
    text = documents.dump(audit.model_copy(update=changes).dump())
    (folder / "audit.yaml").write_text(text, encoding="utf-8")


def _absent(audit: Audit) -> dict[Absent, str]:
    """What there still is none of: the candidate as it was takes the place of an incumbent, and nothing watches it."""
    unwatched = audit.absent.get("incumbent")
    rest: dict[Absent, str] = {what: why for what, why in audit.absent.items() if what != "incumbent"}
    return {**({} if unwatched is None or audit.service else {"service": unwatched}), **rest}


def _beside(audit: Audit, moved: Callable[[str], str]) -> dict[str, Any]:
    """The further files that an audit file names, as seen from another folder."""
    reference, service, brand = audit.reference, audit.service, audit.brand
    return {
        "brand": brand and brand.model_copy(update={"logo": brand.logo and moved(brand.logo)}),
        "reference": reference and reference.model_copy(update={"path": moved(reference.path)}),
        "service": service and type(service)(statement=moved(service.statement), trust=moved(service.trust)),
        "quality": audit.quality and moved(audit.quality),
        "foreign": audit.foreign and audit.foreign.model_copy(update={"path": moved(audit.foreign.path)}),
    }


def _suite(suite: Any, folder: Path) -> dict[str, str]:
    """A suite that Python code made becomes a file of its own: the code stays where it is."""
    if not isinstance(suite, Mapping):
        return {}
    (folder / SUITE).write_text(json.dumps(suite, indent=2) + "\n", encoding="utf-8")
    return {"quality": SUITE}


def _from(folder: Path, path: Path) -> str:
    """A path as the audit file in ``folder`` says it."""
    return os.path.relpath(path.resolve(), folder.resolve())


def _file(role: Role) -> str:
    return TEST if role == "test" else f"predictions-{role}.parquet"


def _files_of_rivals(work: Casework, *, answered: bool) -> Iterator[Literal["base", "incumbent"]]:
    """Rivals whose answers get a file of their own: not those in columns, nor a base that can be asked.

    A base that reads pictures cannot be asked any more where the rows are a table of answers.
    """
    base, columns = work.audit.base, work.audit.columns
    if base is not None and (base.predictions is not None or (answered and work.case.modality == "image")):
        yield "base"
    if columns.incumbent_prediction is None and columns.incumbent_score is None:
        yield "incumbent"


def _base(work: Casework, folder: Path, root: Path, *, stored: bool) -> BaseSource | None:
    """The base as the audit file in ``folder`` says it."""
    source = work.audit.base
    if source is None:
        return None
    trained_on = tuple(_from(folder, path) for path in work.case.base_trained_on)
    if stored:
        return BaseSource(predictions="base.parquet", trained_on=trained_on)
    if source.python is None:
        others = tuple(_from(folder, root / path) for path in source.references)
        model = _from(folder, Path(work.case.base_path or ""))
        return BaseSource(model=model, head=source.head, trained_on=trained_on, references=others)
    places = {"code": _from(folder, root / (source.code or ""))}
    places |= {} if source.artifact is None else {"artifact": _from(folder, root / source.artifact)}
    return source.model_copy(update={**places, "trained_on": trained_on})


def _columns(work: Casework, *, stated: bool, answered: bool) -> Columns:
    columns, case = work.audit.columns, work.case
    two = len(case.classes) == 2
    return columns.model_copy(
        update={
            # The pictures stay where they are; a table of answers has no picture beside it.
            "input": None if answered and case.modality == "image" else columns.input,
            "prediction": PREDICTION,
            "score": SCORE if stated and two else None,
            "scores": {name: f"{SCORE}_{name}" for name in case.classes} if stated and not two else None,
            "classes": case.classes,
            "positive": case.classes[case.positive],
        }
    )


def _cells(work: Casework, answers: Predictions, *, stated: bool) -> dict[str, Array]:
    """Answers as columns, in the order of the data set; without probabilities unless the candidate states some."""
    classes, probabilities = work.case.classes, answers.probabilities
    cells: dict[str, Array] = {PREDICTION: np.array(classes, dtype=object)[answers.labels]}
    if stated and probabilities is not None and len(classes) == 2:
        cells[SCORE] = probabilities[:, work.case.positive]
    elif stated and probabilities is not None:
        cells |= {f"{SCORE}_{name}": probabilities[:, index] for index, name in enumerate(classes)}
    return cells


def _without(work: Casework, role: Role) -> Any:
    """The table of a role without stored answers that are no longer the candidate's."""
    table, columns = work.case.data[role].table, work.audit.columns
    if work.case.subject is not None:
        return table
    old = {columns.prediction, columns.score, *(columns.scores or {}).values()}
    return table.drop_columns([name for name in table.column_names if name in old])


def _write(path: Path, data: Dataset, table: Any, cells: Mapping[str, Array]) -> None:
    """Rows and answers, in the order of the file that the rows came from."""
    import pyarrow.parquet as pq

    taken = sorted(set(cells) & set(table.column_names))
    if taken:
        raise DataError(f"{data.path}: the column {taken[0]!r} is in the way of the new answers; rename it")
    table = table.replace_schema_metadata(None)
    for name, values in cells.items():
        table = table.append_column(name, pa.array(values))
    pq.write_table(table.take(np.argsort(file_order(data))), path)


def write_numbers(
    folder: Path, work: Casework, fitted: Fitted, *, role: Role | None = "calibration", group: str | None
) -> None:
    """Write ``remedy.json``: what was fitted, and on which rows of which candidate."""
    fitted_on = None if role is None else work.case.data.get(role)
    facts = {
        "schema": "govkit.remedy/v1",
        "remedy": fitted.name,
        "numbers": fitted.numbers,
        "remarks": list(fitted.remarks),
        "group": group,
        "classes": list(work.case.classes),
        "positive": work.case.classes[work.case.positive],
        "fitted_on": None if fitted_on is None else {"role": role, "digest": fitted_on.digest, "rows": len(fitted_on)},
        "candidate": {"name": work.name, "digest": work.digest},
        "seed": str(work.case.seed),
    }
    (folder / "remedy.json").write_text(json.dumps(facts, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def made_of(work: Casework) -> tuple[Component, list[Component]]:
    """The candidate as the base of its remedy, which owes what its own base owed, and the data it was tuned on."""
    base = base_component(work.path, package=None, license=None, base_id=work.name)
    parts = licenses.components(work.case.run, work.audit.licenses, ["train"])
    owed = [part.license for part in parts if part.role == "base"]
    trained = [part for part in parts if part.role in ("train", "unknown")]
    return base.model_copy(update={"license": owed[0]}) if len(owed) == 1 else base, trained


def write_record(
    folder: Path,
    work: Casework,
    fitted: Fitted,
    clock: Clock,
    *,
    role: Role | None = "calibration",
    artifact: str = TEST,
    trained: int = 0,
    group: str | None,
    started: str,
) -> None:
    """Write ``run.json``: a run whose base is the audited candidate and whose artifact is what the remedy made.

    Its outputs are the files written so far, so it vouches for what was fitted and for the answers of every role.

    Args:
        folder: Where to write.
        work: The audited case.
        fitted: The remedy.
        clock: Started with the work.
        role: Rows that it was fitted on, if any were.
        artifact: File of the new answers or folder of the new weights.
        trained: Weights that may have changed; none where a remedy is a layer on the answers.
        group: Group column.
        started: UTC time.
    """
    clock.stop()
    cost, here = clock.cost(None), Path.cwd()
    base, parts = made_of(work)
    sources = [] if role is None else [_source(work, role, parts)]
    known = {source.digest.value for source in sources}
    chosen = {name: value for name, value in fitted.numbers.items() if isinstance(value, str | int)}
    chosen |= {} if group is None else {"group": group}
    rows = {source.role: source.rows.value for source in sources}
    run = Run(
        name=f"{work.name}, {fitted.name}",
        base=base,
        data=(*sources, *(part for part in parts if part.digest.value not in known)),
        splits=complete("splits", {"rows": observed(rows), "shared_rows": observed(0)}),
        method=complete("method", {"kind": observed(fitted.name), "trainable_parameters": observed(trained)}),
        hyperparameters=complete("hyperparameters", {"other_arguments": observed(chosen)}),
        seed=observed(work.case.seed),
        code=environment.code(here) | {"preprocessing": environment.preprocessing(here)},
        environment=environment.environment(None),
        cost=cost,
        outputs={each.path: f"sha256:{each.sha256}" for each in manifest.walk(folder)},
        artifact=observed(manifest.artifact_digest(folder / artifact)),
        parts=(Part(started=started, exit="finished", wall_s=cost["wall_s"].value, cpu_s=cost["cpu_s"].value),),
        exit="finished",
        started=started,
    )
    journal.write(folder, Veil(here).run(run))


def _source(work: Casework, role: Role, known: Collection[Component]) -> Component:
    """The rows of a role as a component; the license of rows that the record of the tuning knows stays known."""
    with ExitStack() as held:
        source = data_source(work.case.data[role].path, role=role, said=Telling(), held=held).component
    same = [part for part in known if part.digest.value == source.digest.value]
    return source.model_copy(update={"license": same[0].license}) if same else source
