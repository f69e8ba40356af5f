"""What runs beside a user's code: it loads the code, asks it what the parent asks, and notes the files it opens."""

from __future__ import annotations

import itertools
import os
import socket
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from govkit.core.case import Differentiable, Passes, Subject
from govkit.errors import GovkitError, MissingExtra, SubjectError
from govkit.lazy import np, torch
from govkit.subjects.apart import frames
from govkit.subjects.boundary import Boundary

MOST_FILES, LONGEST = 10_000, 2000
"""Files that are told by name, and letters of a message, both at most."""

Answer = tuple[dict[str, Any], dict[str, frames.Piece]]

_UNSEEN = (".py", ".pyc", ".pyi", ".so", ".pth")


class Opened:
    """Files that this process opened to read, as far as Python tells: code in C and other processes do not."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.fresh: list[tuple[str, int, int, int]] = []

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """An audit hook of Python (PEP 578); it cannot be removed."""
        if event != "open" or len(self.seen) >= MOST_FILES or not isinstance(args[0], str | bytes | os.PathLike):
            return
        path, flags = os.fsdecode(args[0]), args[2]
        if (isinstance(flags, int) and flags & 3 == os.O_WRONLY) or path.endswith(_UNSEEN) or path in self.seen:
            return
        self.seen.add(path)
        try:
            real = os.path.realpath(path)
            found = Path(real).stat()
        except (OSError, ValueError):
            return
        self.fresh.append((real.encode("utf-8", "replace").decode(), found.st_dev, found.st_ino, found.st_size))

    def told(self) -> list[tuple[str, int, int, int]]:
        """Those that were not told yet."""
        fresh, self.fresh = self.fresh[:500], self.fresh[500:]
        return fresh


class Answering:
    """The loaded code, asked by the names of the methods below.

    Args:
        config: What to load, as ``process.Child`` wrote it.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        from govkit.subjects import python

        self.passes = Passes()
        self.graphs: dict[int, tuple[Any, Any]] = {}
        self.numbers = itertools.count()
        self.name, paths = config["name"], [Path(path) for path in config["paths"]]
        self.thing, self.file = python.imported(self.name, paths)
        span = config["input_range"]
        self.origin = python.Origin(
            self.name, self.file, tuple(paths), config["modality"], tuple(config["classes"]), self.passes,
            None if span is None else (span[0], span[1]), config["task"],
        )  # fmt: skip
        self.subject: Any = python.subject_of(self.thing, self.origin) if config["kind"] == "subject" else None
        self.variant: Any = self.subject

    def facts(self) -> dict[str, Any]:
        """What the parent must know of the code."""
        from govkit.subjects import python

        facts = {"file": str(self.file), "type": type(self.thing).__name__, "module": python.is_module(self.thing)}
        if not isinstance(self.subject, Subject):
            return facts
        path = self.subject.path
        span = getattr(self.subject, "input_range", None)
        return {
            **facts,
            "open": isinstance(self.subject, Differentiable),
            "digest": str(self.subject.digest) if isinstance(self.subject, python.ObjectSubject) else None,
            "path": None if path is None else str(path),
            "access": str(self.subject.access),
            "modality": str(self.subject.modality),
            "classes": [str(name) for name in self.subject.classes],
            "input_range": None if span is None else [float(end) for end in span],
        }

    def predict(self, inputs: Any, *, mixed: bool = False) -> Answer:
        """Answers to inputs."""
        found = (self.variant if mixed else self.subject).predict(inputs)
        with Boundary(self.name):
            return {}, {"answer": frames.of_array(found)}

    def encode(self, inputs: Any) -> Answer:
        """The batch of an object that encodes its inputs itself."""
        batch = self.subject.encode(inputs)
        with Boundary(self.name):
            return {}, {str(name): frames.of_tensor(part) for name, part in batch.items()}

    def logits(self, batch: Mapping[str, frames.Piece], *, graph: bool, mixed: bool = False) -> Answer:
        """Logits of a batch, or features of a base; with ``graph`` its gradient can be asked for afterwards."""
        given = _tensors(batch)
        x = given["x"].requires_grad_(graph)
        with torch.set_grad_enabled(graph):
            found = self._forward(given, mixed=mixed)
        number = next(self.numbers) if graph and found.requires_grad else None
        if number is not None:
            self.graphs[number] = (x, found)
        with Boundary(self.name):
            return {"graph": number}, {"answer": frames.of_tensor(found)}

    def _forward(self, batch: dict[str, Any], *, mixed: bool) -> Any:
        from govkit.subjects.python import like_weights
        from govkit.subjects.states import asked, tensor_of

        if self.subject is not None:
            return (self.variant if mixed else self.subject).logits(batch)
        with self.origin.running(), asked(self.thing):
            return tensor_of(self.thing(like_weights(batch["x"], self.thing)))

    def gradient(self, number: int, towards: frames.Piece) -> Answer:
        """The gradient of earlier logits at their input; no array where the graph does not reach it."""
        x, found = self.graphs[number]
        with self.origin.running():
            weight = _tensors({"towards": towards})["towards"].to(found)
            grad = torch.autograd.grad(found, x, weight, retain_graph=True, allow_unused=True)[0]
        return {}, {} if grad is None else {"answer": frames.of_tensor(grad)}

    def drop(self, numbers: list[int]) -> None:
        """Forget graphs that nobody will ask about again."""
        for number in numbers:
            self.graphs.pop(number, None)

    def tensors(self) -> Answer:
        """Parameters and buffers of the module by name."""
        with Boundary(self.name):
            return {}, {name: frames.of_tensor(tensor) for name, tensor in self.thing.state_dict().items()}

    def mix(self, tensors: Mapping[str, frames.Piece]) -> Answer:
        """Put these weights into a copy of the module; calls with ``mixed`` ask it."""
        from govkit.subjects.modules import copied, with_module

        module = copied(self.subject.module, self.name)
        with Boundary(self.name):
            module.load_state_dict(_tensors(tensors))
        self.variant = with_module(self.subject, module)
        return {}, {}

    def suite(self) -> Answer:
        """A suite of expectations, or what a call of it makes, as JSON."""
        import json

        with self.origin.running():
            suite = self.thing() if callable(self.thing) else self.thing
            if not hasattr(suite, "to_json_dict"):
                raise SubjectError(f"{self.name} is a {type(suite).__name__}; expected an ExpectationSuite")
            text = json.dumps(dict(suite.to_json_dict())).encode()
        return {}, {"answer": frames.of_array(np.frombuffer(text, dtype=np.uint8))}


def _tensors(pieces: Mapping[str, frames.Piece]) -> dict[str, Any]:
    return {name: frames.to_tensor((kind, shape, bytearray(body))) for name, (kind, shape, body) in pieces.items()}


class Line:
    """The channel as the child sees it; each answer tells the files that were opened before it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.opened = sock, Opened()

    def read(self, length: int) -> bytes:
        """Exactly so many bytes."""
        parts = bytearray(length)
        view = memoryview(parts)
        while view:
            count = self.sock.recv_into(view)
            if not count:
                raise EOFError
            view = view[count:]
        return bytes(parts)

    def write(self, header: dict[str, Any], pieces: dict[str, frames.Piece]) -> None:
        """An answer."""
        for part in frames.answer({**header, "opened": self.opened.told()}, pieces):
            self.sock.sendall(part)


def serve(sock: socket.socket, config: Mapping[str, Any], closed: Mapping[str, bool]) -> None:
    """Load the code and answer until the channel closes. What the code prints goes to stderr."""
    os.dup2(2, 1)
    line = Line(sock)
    sys.addaudithook(line.opened.hook)
    loaded: list[Answering] = []

    def load() -> Answer:
        loaded.append(Answering(config))
        return {"closed": dict(closed), **loaded[0].facts()}, {}

    line.write(*_answered(load, config["name"]))
    while loaded:
        try:
            asked = frames.read_request(line.read)
        except EOFError:
            return
        loaded[0].drop(asked.pop("drop"))
        line.write(*_answered(partial(getattr(loaded[0], asked.pop("ask")), **asked), config["name"]))


def _answered(call: Callable[[], Answer], name: str) -> Answer:
    try:
        with Boundary(name):
            return call()
    except GovkitError as error:
        kind = "extra" if isinstance(error, MissingExtra) else "error"
        return {kind: str(error)[:LONGEST]}, {}
