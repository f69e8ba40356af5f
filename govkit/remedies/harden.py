"""Adversarial training: weights that answer right where an attack moves the input.

Madry et al. 2018 ("Towards Deep Learning Models Resistant to Adversarial Attacks", train on the worst input found),
Shafahi et al. 2019 ("Adversarial Training for Free!", one gradient for weights and input), Zhang et al. 2019 (TRADES,
answer the worst input as the clean one). For a text the embeddings of its tokens are moved, as in FreeLB (Zhu et al.
2020).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from govkit.attacks import Ball, cross_entropy, pgd
from govkit.core.case import Array
from govkit.errors import DataError, SubjectError
from govkit.lazy import torch
from govkit.subjects.states import asked

Method = Literal["pgd", "free", "trades"]
Batch = Mapping[str, Any]
Forward = Callable[[Any, Batch], Any]
Encode = Callable[[Sequence[int]], Batch]


@dataclass(frozen=True)
class Training:
    """How to train.

    Attributes:
        method: ``pgd`` (Madry), ``free`` (Shafahi) or ``trades`` (Zhang).
        epochs: Updates that each row takes part in; ``free`` makes its replays of a batch one after the other.
        steps: Steps of the attack inside ``pgd`` and ``trades``.
        replays: How often ``free`` uses a batch.
        weight: What the distance between the answers to the worst and the clean input counts in ``trades``, beside the
            loss on the clean input.
        rate: First learning rate of AdamW; it falls to 0 in a straight line.
        batch: Rows of a batch at least, where there are as many.
    """

    method: Method = "pgd"
    epochs: int = 12
    steps: int = 5
    replays: int = 4
    weight: float = 1.0
    rate: float = 1e-3
    batch: int = 64


@dataclass(frozen=True)
class Hardened:
    """What training came to.

    Attributes:
        trained: Numbers among the weights that were trained.
        losses: Mean loss of each pass over the rows.
        forward: Rows that went forward.
        backward: Rows whose gradient was taken.
    """

    trained: int
    losses: tuple[float, ...]
    forward: int
    backward: int


@dataclass
class _Run:
    """Everything that a step of training needs."""

    module: Any
    forward: Forward
    ball: Ball
    training: Training
    optimizer: Any
    schedule: Any
    generator: Any

    def __post_init__(self) -> None:
        self.resting = list(_at_rest(self.module))
        self.passes = [0, 0]
        self.delta: Any = None

    def ask(self, batch: Batch) -> Any:
        """Logits ``(n, k)`` on the device of the inputs, as labels and attacks are, wherever the weights may be."""
        return self.forward(self.module, batch).to(batch["x"].device)

    def learn(self, batch: Batch, loss_of: Callable[[Any], Any]) -> float:
        """One update by the gradient of ``loss_of(logits)``, with the model in the modes of its training."""
        with _learning(self.module, self.resting):
            loss = loss_of(self.ask(batch))
            self.optimizer.zero_grad()
            loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return float(loss.detach())

    def logits(self, batch: Batch) -> Any:
        """What an attack asks: the model as it will be used, its weights out of the graph."""
        with asked(self.module):
            return self.ask(batch)

    def worst(self, batch: Batch, labels: Any, loss: Callable[[Any, Any], Any]) -> Batch:
        """The batch moved to where an attack ends that climbs a loss from a random start."""
        seeds = torch.randint(2**53, (len(labels),), generator=self.generator).tolist()
        found = pgd(
            self.logits, batch, labels, self.ball, loss=loss, steps=self.training.steps, seeds=seeds, stop=False
        )
        self.passes[0] += found.forward
        self.passes[1] += found.backward
        return {**batch, "x": found.x}


def harden(
    module: Any,
    forward: Forward,
    encode: Encode,
    labels: Array,
    ball: Ball,
    *,
    training: Training,
    seed: int,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Hardened:
    """Train a module, in place, against changes inside a ball.

    The attack sees the model in eval mode, as those who use it do. An update sees it in train mode, but for what the
    module's owner has frozen: parts in eval mode none of whose parameters may be trained, and all inside them.

    Args:
        module: The module; hand over a copy. Parameters with ``requires_grad`` are trained.
        forward: ``(module, batch) -> logits (n, k)``.
        encode: Row numbers -> ``{"x": float tensor (n, ...), ...}``.
        labels: Classes of all rows as columns of the logits, int64 ``(n,)``.
        ball: What may be changed in ``x``.
        training: How.
        seed: Seed of the order of the rows, the starts of the attack and of what is random in the module.
        tell: Told ``(updates made, updates in all)``.

    Raises:
        SubjectError: No parameter may be trained.
        DataError: The loss is no finite number any more.
    """
    weights = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not weights:
        raise SubjectError(
            "no weight of this model may be trained, each has requires_grad False; set it for those that may change"
        )
    truth = torch.as_tensor(labels, dtype=torch.int64)
    generator = torch.Generator().manual_seed(seed)
    passes = math.ceil(training.epochs / training.replays) if training.method == "free" else training.epochs
    plan = [_order(len(truth), training.batch, generator) for _ in range(passes)]
    total = sum(map(len, plan)) * (training.replays if training.method == "free" else 1)
    optimizer = torch.optim.AdamW(weights, lr=training.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total))
    run = _Run(module, forward, ball, training, optimizer, schedule, generator)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        losses = tuple(_passes(run, plan, encode, truth, lambda done: tell(done, total)))
    optimizer.zero_grad()
    return Hardened(sum(each.numel() for each in weights), losses, run.passes[0], run.passes[1])


def _passes(
    run: _Run, plan: Sequence[Sequence[Any]], encode: Encode, truth: Any, tell: Callable[[int], None]
) -> Iterator[float]:
    """Mean loss of each pass over the rows, which is made when it is asked for."""
    step = {"pgd": _against_worst, "free": _for_free, "trades": _like_clean}[run.training.method]
    done, each = 0, run.training.replays if run.training.method == "free" else 1
    for parts in plan:
        losses = []
        for rows in parts:
            batch = encode(rows.tolist())
            losses.append(step(run, batch, truth[rows].to(batch["x"].device)))
            done += each
            tell(done)
        mean = sum(losses) / len(losses)
        if not math.isfinite(mean):
            raise DataError("data.train: the loss is no finite number any more; train fewer epochs or a smaller eps")
        yield mean


def _order(n: int, batch: int, generator: Any) -> Sequence[Any]:
    """Row numbers in a new order, in even parts: no part is so small that batch statistics mean nothing."""
    parts: Sequence[Any] = torch.randperm(n, generator=generator).tensor_split(max(1, n // batch))
    return parts


def _against_worst(run: _Run, batch: Batch, labels: Any) -> float:
    worst = run.worst(batch, labels, cross_entropy)
    _count(run, labels)
    return run.learn(worst, lambda logits: cross_entropy(logits.float(), labels).mean())


def _like_clean(run: _Run, batch: Batch, labels: Any) -> float:
    """TRADES: the loss on the clean rows, and how far the answers to the worst rows are from theirs."""
    with torch.no_grad():
        clean = run.logits(batch).float().log_softmax(dim=1)
    # The attack hands all rows to the loss, in their order: none leaves it early.
    worst = run.worst(batch, labels, lambda logits, _labels: _distance(logits, clean))
    _count(run, labels, 3)
    both = {key: torch.cat([batch[key], worst[key]]) for key in batch}

    def loss(logits: Any) -> Any:
        own, moved = logits.float().chunk(2)
        distance = _distance(moved, own.log_softmax(dim=1))
        return (cross_entropy(own, labels) + run.training.weight * distance).mean()

    return run.learn(both, loss)


def _distance(logits: Any, clean: Any) -> Any:
    """Kullback-Leibler divergence ``(n,)`` of the answers from those to the clean rows, given as log-probabilities."""
    return torch.nn.functional.kl_div(logits.float().log_softmax(dim=1), clean, reduction="none", log_target=True).sum(
        dim=1
    )


def _for_free(run: _Run, batch: Batch, labels: Any) -> float:
    """The same batch again and again; each gradient moves weights and inputs, and the move is kept for the next one."""
    center = batch["x"].detach().float()
    if run.delta is None or run.delta.shape != center.shape:
        run.delta = torch.zeros_like(center)
    total = 0.0
    for _ in range(run.training.replays):
        x = run.ball.project(center + run.delta, center).detach().requires_grad_()
        total += run.learn({**batch, "x": x}, lambda logits: cross_entropy(logits.float(), labels).mean())
        run.delta = run.ball.project(x.detach() + run.ball.direction(x.grad), center) - center
        _count(run, labels)
    return total / run.training.replays


def _count(run: _Run, labels: Any, times: int = 1) -> None:
    """Rows of an update: forward and backward, of TRADES both inputs and the clean answers."""
    run.passes[0] += times * len(labels)
    run.passes[1] += max(1, times - 1) * len(labels)


def _at_rest(module: Any) -> Iterator[Any]:
    """Parts that their owner froze: in eval mode, with parameters, none of which may be trained; and all inside."""
    own = list(module.parameters())
    if own and not module.training and not any(parameter.requires_grad for parameter in own):
        yield from module.modules()
        return
    for child in module.children():
        yield from _at_rest(child)


@contextmanager
def _learning(module: Any, resting: Sequence[Any]) -> Iterator[None]:
    """Train mode but for what rests; afterwards each part is in the mode it was in."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        module.train()
        for part in resting:
            part.training = False
        yield
    finally:
        for part, mode in modes:
            part.training = mode
