"""Checks of provenance: where the model comes from, under which licenses, and what its files are."""
