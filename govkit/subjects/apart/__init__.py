"""A user's code answers in a process of its own: without keys, labels, data files or network, over a narrow channel."""

from __future__ import annotations

from govkit.subjects.apart.process import Child, Fence
