"""Readers that make anything a data set: tables, image folders, stored predictions; digests of their content."""

from __future__ import annotations

from govkit.data.cells import canonical_text
from govkit.data.counts import CountTable, count_table
from govkit.data.dataset import file_order, read_dataset
from govkit.data.digest import content_digest
from govkit.data.images import load_images
from govkit.data.labels import classes_of, task_of
from govkit.data.predictions import read_predictions, stored_predictions
from govkit.data.streaming import RowsDigest, batches_digest, bytes_digest, file_digest, shared_rows
from govkit.data.tables import read_table

__all__ = [
    "CountTable",
    "RowsDigest",
    "batches_digest",
    "bytes_digest",
    "canonical_text",
    "classes_of",
    "content_digest",
    "count_table",
    "file_digest",
    "file_order",
    "load_images",
    "read_dataset",
    "read_predictions",
    "read_table",
    "shared_rows",
    "stored_predictions",
    "task_of",
]
