"""Readers that make anything a data set: tables, image folders, stored predictions; digests of their content."""

from __future__ import annotations

from govkit.data.cells import canonical_text
from govkit.data.counts import CountTable, count_table
from govkit.data.dataset import file_order, read_dataset
from govkit.data.digest import content_digest, first_rows, row_keys
from govkit.data.images import load_images
from govkit.data.labels import classes_of, task_of
from govkit.data.predictions import read_predictions, stored_predictions
from govkit.data.rows import Rows, read_rows
from govkit.data.streaming import RowsDigest, batches_digest, bytes_digest, file_digest, shared_rows
from govkit.data.tables import read_table
from govkit.data.texts import texts_of_columns
from govkit.data.typed import column_types
