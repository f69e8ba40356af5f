"""Make a table a ``Dataset``: checked, in canonical order, its labels as the task has them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from govkit.core.case import Array, Coded, Dataset
from govkit.core.columns import Columns
from govkit.core.words import PART_KEYS, Modality, Role
from govkit.data.cells import coded_text, must_hold, no_long_names, no_missing
from govkit.data.digest import content_digest
from govkit.data.faults import RowFault, by_place
from govkit.data.images import load_images
from govkit.data.labels import read_labels
from govkit.data.rows import Rows, read_rows
from govkit.data.spool import reordered, taken
from govkit.data.texts import texts_of_columns
from govkit.errors import DataError
from govkit.lazy import np, pa, pc, pd

MISSING = "(missing)"
"""Name of the group of rows whose group is not known."""

MOST_GROUPS = 300
"""Groups of one column; a column with more is an id or a number, not a protected attribute."""

EVERY = "*"
"""What findings call all groups together: a group of that name would never be judged."""


def read_dataset(
    path: Path | str,
    *,
    role: Role,
    columns: Columns,
    modality: Modality,
    classes: Sequence[str] | None = None,
    table: Rows | Array | None = None,
    input_range: tuple[float, float] | None = None,
) -> Dataset:
    """Read and check one data set.

    Args:
        path: File, folder or pattern; see ``read_rows``.
        role: What the rows are used for.
        columns: Names of the columns. Columns of stored predictions are not asked for here.
        modality: What the subject is asked: text, images, a frame of feature columns, or nothing (``unknown``).
        classes: All classes; the sorted labels of this table if not given. Not read where labels are no classes.
        table: The rows of ``path`` where they were read before, or a table instead.
        input_range: Values of black and full brightness of images; (0, 1) if not given.

    Returns:
        Rows sorted by the digest of their content; ``file_order`` leads back to the file, and what is broken there is
        told. The content of an image is the bytes of its file, wherever that file lies. Large tables, texts and arrays
        lie in files; ids, images and the frame of a table's inputs are in memory, whole.

    Raises:
        DataError: A column is missing, a label is missing or not as the task has it, an id is missing or stands twice,
            an input or a cluster is missing; names the row, counted from 1, the header not counted. Or a group column
            has a name that findings use for something else.
    """
    path = Path(path)
    _no_part_keys((*columns.groups, *columns.parts))
    rows = read_rows(path) if table is None else table if isinstance(table, Rows) else Rows(path, table)
    table = rows.table
    must_hold(path, table, _declared(columns, modality))
    labels, ids, named, cluster = _of_rows(path, rows, columns, classes)
    content = _content(table, columns, modality, rows.root)
    digest, row_digests, order = content_digest(content)
    places = order if rows.places is None else taken(rows.places, order)
    table = reordered(table, order).replace_schema_metadata(None)
    inputs = _inputs(path, table, columns, modality=modality, order=places)
    if modality == "image":
        digests = reordered(content, order)[_input_names(columns)[0]].to_pylist()
        inputs = load_images(inputs, root=rows.root, input_range=input_range, digests=digests)
    return Dataset(
        role=role,
        table=table,
        inputs=inputs,
        labels=taken(labels, order),
        groups=_reordered(named, columns.groups, order),
        ids=None if ids is None else ids[order],
        row_digests=row_digests,
        digest=digest,
        path=path,
        parts=_reordered(named, columns.parts, order),
        broken=rows.broken,
        order=places,
        cluster=None if cluster is None else cluster[order],
    )


def _of_rows(
    path: Path, rows: Rows, columns: Columns, classes: Sequence[str] | None
) -> tuple[Array, Array | None, dict[str, Coded], Array | None]:
    """Labels, ids, groups and parts by name, and clusters, in the order of the file."""
    table = rows.table
    with by_place(rows.places):
        labels = read_labels(path, table, columns, classes)
        ids = row_ids(path, table, columns)
        named = {name: coded_groups(path, table, name) for name in (*columns.groups, *columns.parts)}
        return labels, ids, named, row_clusters(path, table, columns)


def row_clusters(path: Path, table: Array, columns: Columns) -> Array | None:
    """Cluster of each row, int32 ``(n,)`` from 0, or None where no cluster column is declared.

    Of several columns the connected parts are the clusters: rows of different ones share no value of any column, so
    that they are independent whether the columns are nested or cross. Columns that cross everywhere leave few clusters,
    which is what their bounds then say.

    Raises:
        DataError: A row has no value in a cluster column, for it may belong to any cluster; names the row.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not columns.clusters:
        return None
    found, places = 0, []
    for name in columns.clusters:
        coded = coded_text(table[name], what=f"{path}: column {name!r}")
        no_missing(path, coded.codes < 0, name)
        places.append(np.asarray(coded.codes) + found)
        found += len(coded.names)
    first, rows = places[0], len(table)
    links = [coo_array((np.ones(rows, dtype=bool), (first, other)), shape=(found, found)) for other in places[1:]]
    joined = connected_components(sum(links[1:], links[0]), directed=False)[1] if links else np.arange(found)
    return np.unique(joined[first], return_inverse=True)[1].astype(np.int32)


def _reordered(named: Mapping[str, Coded], columns: Iterable[str], order: Array) -> dict[str, Coded]:
    return {name: Coded(taken(named[name].codes, order), named[name].names) for name in columns}


def file_order(dataset: Dataset) -> Array:
    """Row of the file, counted from 0 with the broken ones, of each row of the data set: int64 ``(n,)``.

    A data set that was built in memory has no file order; its own order is taken.
    """
    return np.arange(len(dataset)) if dataset.order is None else dataset.order


def row_ids(path: Path, table: Array, columns: Columns) -> Array | None:
    """Row ids as str, object array ``(n,)``, or None where no id column is declared.

    Raises:
        DataError: An id is missing, stands twice, or is longer than ``LONGEST_NAME``.
    """
    if columns.id is None:
        return None
    coded = coded_text(table[columns.id], what=f"{path}: column {columns.id!r}")
    no_missing(path, coded.codes < 0, columns.id)
    no_long_names(path, coded, columns.id)
    ids = np.array(coded.names, dtype=object)[coded.codes]
    twice = pd.Series(ids, dtype=object).duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        raise RowFault(path, row, f"{columns.id} {ids[row]!r} stands more than once; ids must be unique")
    return ids


def _declared(columns: Columns, modality: Modality) -> list[str]:
    named = *columns.labels, *columns.groups, *columns.parts, *columns.clusters
    names = [*named, *filter(None, (columns.id, columns.time))]
    if modality != "unknown":
        if not columns.input:
            raise DataError("columns.input is not declared; name the column or columns that the subject is asked with")
        if modality != "table" and not isinstance(columns.input, str) and len(columns.input) > 1:
            raise DataError(f"columns.input names {len(columns.input)} columns; {modality} needs exactly one")
        names += _input_names(columns)
    return names


def _input_names(columns: Columns) -> list[str]:
    return [columns.input] if isinstance(columns.input, str) else list(columns.input or ())


def _no_part_keys(groups: Iterable[str]) -> None:
    taken = sorted(PART_KEYS & set(groups))
    if taken:
        raise DataError(
            f"columns.groups: {taken[0]!r} is what findings call something that is no group; rename the column "
            f"(also reserved: {', '.join(sorted(PART_KEYS - {taken[0]}))})"
        )


def coded_groups(path: Path, table: Array, column: str) -> Coded:
    """The groups of a column; a row without one is in ``MISSING``.

    Raises:
        DataError: A group has a name that findings use for something else or a name longer than ``LONGEST_NAME``, or
            there are more than ``MOST_GROUPS``.
    """
    coded = coded_text(table[column], what=f"{path}: column {column!r}")
    no_long_names(path, coded, column)
    _no_taken_names(path, column, coded)
    found = sorted([*coded.names, *([MISSING] if (coded.codes < 0).any() else ())])
    if len(found) > MOST_GROUPS:
        raise DataError(
            f"{path}: column {column!r} holds {len(found)} groups, at most {MOST_GROUPS} can be judged; "
            "put its values into fewer groups"
        )
    place = {name: at for at, name in enumerate(found)}
    places = np.array([place.get(name, 0) for name in (*coded.names, MISSING)], dtype=np.int32)
    return Coded(taken(places, coded.codes), tuple(found))


def _no_taken_names(path: Path, column: str, coded: Coded) -> None:
    """Raise a DataError where a group is called what findings call something else."""
    for name, what in ((EVERY, "all groups together"), (MISSING, "rows whose group is not known")):
        if name in coded.names:
            what = f"{column} is {name!r}, which stands for {what}; rename this group"
            raise RowFault(path, int((coded.codes == coded.names.index(name)).argmax()), what)


def _content(table: Array, columns: Columns, modality: Modality, root: Path) -> Array:
    """The table to digest: a path says nothing about an image, the bytes of its file do."""
    if modality != "image":
        return table
    name = _input_names(columns)[0]
    hashes = [_file_digest(root / path) if path is not None else None for path in table[name].to_pylist()]
    return table.set_column(table.column_names.index(name), name, pa.array(hashes, pa.string()))


def _file_digest(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise OSError(0, "no file")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); expected an image") from error


def _inputs(path: Path, table: Array, columns: Columns, *, modality: Modality, order: Array) -> Any:
    """What the subject is asked: texts or paths, a frame, or None."""
    if modality == "unknown":
        return None
    names = _input_names(columns)
    if modality == "table":
        return table.select(names).to_pandas()
    column = table[names[0]]
    if column.null_count:
        row = int(order[pc.index(column.is_null(), True).as_py()]) + 1
        raise DataError(f"{path}, row {row}: column {names[0]!r} has no value; expected {modality}")
    return texts_of_columns([column])
