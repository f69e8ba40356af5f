"""Checks of robustness: what small changes of the input do to the answer."""
