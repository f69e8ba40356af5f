"""A user's code in its own process, as the checks ask a model: answers, logits with a gradient, weights to mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args

from govkit.core.case import Array, Passes, Subject
from govkit.core.words import Access, Modality, Task
from govkit.errors import SubjectError
from govkit.lazy import np, torch
from govkit.subjects.apart import frames
from govkit.subjects.apart.process import WEIGHTS, Child, Fence
from govkit.subjects.boundary import source_digest


def apart_subject(
    name: str,
    *,
    paths: Sequence[Path],
    modality: Modality,
    classes: Sequence[str],
    passes: Passes,
    fence: Fence,
    task: Task = "multiclass",
    input_range: tuple[float, float] | None = None,
) -> Subject:
    """``python.python_subject`` in a process of its own.

    Raises:
        SubjectError: As there.
    """
    about = {"modality": modality, "classes": list(classes), "task": task, "input_range": input_range}
    child = Child(name, kind="subject", paths=paths, fence=fence, about=about)
    kind: type[ApartSubject] = ApartSubject
    if child.facts.get("open") is True:
        kind = ApartModule if child.facts.get("module") is True else OpenApart
    return kind(child, passes)


class ApartSubject:
    """A subject that only answers; its rows are asked in an order drawn from the seed, and are counted."""

    def __init__(self, child: Child, passes: Passes) -> None:
        facts = child.facts
        self.child, self.passes = child, passes
        path = facts.get("path")
        self.path: Path | None = None if path is None else Path(str(path))
        digest = facts.get("digest")
        self.digest = source_digest(file_of(child), strict=False) if digest is None else str(digest)
        self.access: Access = _word(facts.get("access"), get_args(Access), child)
        self.modality: Modality = _word(facts.get("modality"), get_args(Modality), child)
        self.classes = tuple(map(str, facts.get("classes") or ()))
        span = facts.get("input_range")
        self.input_range: tuple[float, float] | None = None if span is None else (float(span[0]), float(span[1]))

    def held(self) -> bool:
        """Whether other weights than its own are asked."""
        return False

    def predict(self, inputs: Any) -> Array:
        """What the code answers, in the order of the inputs."""
        n = len(inputs)
        order = np.random.default_rng([self.child.fence.seed, n]).permutation(n)
        _, pieces = self.child.ask("predict", rows=n, inputs=_ordered(inputs, order), mixed=self.held())
        answer = _array(self.child, pieces)
        self.passes.forward += n
        if answer.ndim == 0 or len(answer) != n:
            return answer
        back = np.empty_like(answer)
        back[order] = answer
        return back


class OpenApart(ApartSubject):
    """An object whose gradients are open: it encodes its inputs itself."""

    def encode(self, inputs: Any) -> dict[str, Any]:
        """The object's own batch."""
        _, pieces = self.child.ask("encode", rows=len(inputs), inputs=_plain(inputs))
        if "x" not in pieces:
            raise SubjectError(f"{self.child.name}: a batch has no 'x'")
        return {name: frames.to_tensor(piece) for name, piece in pieces.items()}

    def logits(self, batch: Mapping[str, Any]) -> Any:
        """Logits ``(n, k)``, differentiable in ``batch["x"]``."""
        return _logits(self, batch)


class ApartModule(ApartSubject):
    """A torch module; see ``python.TorchSubject``."""

    holds = "module"

    def __init__(self, child: Child, passes: Passes) -> None:
        super().__init__(child, passes)
        self.module = Weights(child)

    def encode(self, inputs: Any) -> dict[str, Any]:
        """One batch, ``{"x": float32 tensor (n, ...)}``.

        Raises:
            SubjectError: A value lies outside the declared input range.
        """
        from govkit.subjects.python import float_tensor, within

        return {"x": within(float_tensor(inputs, self.child.name), self.input_range, self.child.name)}

    def logits(self, batch: Mapping[str, Any]) -> Any:
        """Logits ``(n, k)``, differentiable in ``batch["x"]``."""
        return _logits(self, batch)

    def held(self) -> bool:
        """Whether other weights than its own are asked; the child holds one such set at a time."""
        weights = self.module
        if weights.own:
            return False
        if self.child.holds is not weights:
            pieces = {name: frames.of_tensor(tensor) for name, tensor in weights.state_dict().items()}
            given = {name: (kind, shape, bytes(body)) for name, (kind, shape, body) in pieces.items()}
            self.child.ask("mix", tensors=given)
            self.child.holds = weights
        return True


def _logits(subject: ApartSubject, batch: Mapping[str, Any]) -> Any:
    found = differentiable(subject.child, batch, mixed=subject.held())
    subject.passes.forward += len(batch["x"])
    return found


class Weights:
    """Parameters and buffers of a module in a child, fetched once.

    Attributes:
        own: Whether they are those of the module itself; a deep copy has tensors of its own, to be changed.
    """

    def __init__(self, child: Child, *, own: bool = True) -> None:
        self.child, self.own = child, own
        self._tensors: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Tensors by name."""
        if self._tensors is None:
            _, pieces = self.child.ask("tensors", limit=WEIGHTS)
            self._tensors = {name: frames.to_tensor(piece) for name, piece in pieces.items()}
        return self._tensors

    def __deepcopy__(self, _: Any) -> Weights:
        other = Weights(self.child, own=False)
        other._tensors = {name: tensor.clone() for name, tensor in self.state_dict().items()}
        return other


def differentiable(child: Child, batch: Mapping[str, Any], *, mixed: bool = False) -> Any:
    """What the child's module answers to a batch, a tensor whose gradient in ``batch["x"]`` the child is asked for."""
    x, graph = batch["x"], torch.is_grad_enabled() and batch["x"].requires_grad
    pieces = {name: frames.of_tensor(part) for name, part in batch.items() if isinstance(part, torch.Tensor)}
    given = {name: (kind, shape, bytes(body)) for name, (kind, shape, body) in pieces.items()}

    def forward(*, graph: bool) -> tuple[Any, int | None]:
        header, found = child.ask("logits", rows=len(x), batch=given, graph=graph, mixed=mixed)
        number = header.get("graph")
        if "answer" not in found:
            raise SubjectError(f"{child.name}: the answer holds no numbers")
        return frames.to_tensor(found["answer"]).to(x.device), number if type(number) is int else None

    return _asked_with_gradient()(child, x, forward) if graph else forward(graph=False)[0]


@cache
def _asked_with_gradient() -> Any:
    """The function of torch's autograd; torch is loaded when it is needed."""

    class Asked(torch.autograd.Function):  # type: ignore[misc]
        """Logits from the child; its gradient is asked for where autograd comes to it."""

        @staticmethod
        def forward(ctx: Any, x: Any, child: Child, ask: Any) -> Any:
            found, ctx.number = ask(graph=True)
            ctx.child, ctx.like = child, x
            if ctx.number is None:
                ctx.mark_non_differentiable(found)
            else:
                ctx.kept = _Kept(child, ctx.number)
            return found

        @staticmethod
        @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
        def backward(ctx: Any, towards: Any) -> Any:
            kind, shape, body = frames.of_tensor(towards)
            _, found = ctx.child.ask(
                "gradient", rows=len(ctx.like), number=ctx.number, towards=(kind, shape, bytes(body))
            )
            if "answer" not in found:
                return None, None, None
            gradient = frames.to_tensor(found["answer"])
            if gradient.shape != ctx.like.shape:
                raise SubjectError(f"{ctx.child.name}: the gradient has shape {tuple(gradient.shape)}")
            return gradient.to(ctx.like), None, None

    return lambda child, x, ask: Asked.apply(x, child, ask)


class _Kept:
    """A graph in the child, for as long as somebody here may ask about it."""

    def __init__(self, child: Child, number: int) -> None:
        self.child, self.number = child, number

    def __del__(self) -> None:
        self.child.dropped.append(self.number)


def suite_of(name: str, *, paths: Sequence[Path], fence: Fence) -> dict[str, Any]:
    """A suite of expectations that a user's code holds or makes.

    Raises:
        SubjectError: The code fails, or makes something else.
    """
    import json

    child = Child(name, kind="suite", paths=paths, fence=fence)
    _, pieces = child.ask("suite", limit=1 << 26)
    child.close()
    try:
        found: dict[str, Any] = dict(json.loads(bytes(_array(child, pieces).astype("uint8"))))
    except ValueError as error:
        raise SubjectError(f"{name}: what it made is no suite") from error
    return found


def file_of(child: Child) -> Path:
    """The file of the module that the child loaded."""
    return Path(str(child.facts.get("file")))


def _array(child: Child, pieces: Mapping[str, frames.Piece]) -> Array:
    if "answer" not in pieces:
        raise SubjectError(f"{child.name}: the answer holds no numbers")
    return frames.to_array(pieces["answer"])


def _word(found: Any, allowed: Sequence[str], child: Child) -> Any:
    if found not in allowed:
        raise SubjectError(f"{child.name}: says {found!r}; expected one of {', '.join(allowed)}")
    return found


def _ordered(inputs: Any, order: Array) -> Any:
    """Rows in another order, and nothing that tells which."""
    if hasattr(inputs, "iloc"):
        return inputs.iloc[order].reset_index(drop=True)
    return inputs[order] if hasattr(inputs, "dtype") else [inputs[row] for row in order.tolist()]


def _plain(inputs: Any) -> Any:
    return inputs if hasattr(inputs, "iloc") or hasattr(inputs, "dtype") else list(inputs)
