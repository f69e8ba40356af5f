"""Damage of images, texts and tables: nothing at severity 0, more at higher ones, in range, by the row's seed alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits

from govkit.attacks.corruptions import CORRUPTIONS, WORST, corrupt
from govkit.attacks.foreign import IMAGES, TABLES, TEXTS, foreign_images, foreign_table, foreign_texts
from govkit.attacks.open_words import protected
from govkit.attacks.table_faults import FAULTS, faulty, usual_values
from govkit.attacks.text_noise import NOISES, noisy

torch.set_num_threads(1)
ALIKE = ("rotation", "translation")
"""Kinds whose error grows only in images whose neighboring pixels are alike."""

EVERY = pytest.mark.parametrize("kind", CORRUPTIONS)


def smooth(n: int, channels: int, high: int, wide: int, seed: int) -> torch.Tensor:
    coarse = torch.rand(n, channels, 3, 3, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(high, wide), mode="bilinear").clamp(0, 1)


def digits(n: int) -> torch.Tensor:
    return torch.tensor(load_digits().images[:n] / 16, dtype=torch.float32)[:, None]


def errors(x: torch.Tensor, kind: str, span=(0.0, 1.0)) -> list[float]:
    """Root mean square error of the pixels at each severity."""
    seeds = range(len(x))
    changed = (corrupt(x, kind, severity, seeds=seeds, span=span) for severity in range(WORST + 1))
    return [float((each - x).square().mean().sqrt()) for each in changed]


def test_there_are_fifteen():
    assert len(CORRUPTIONS) == 15


@EVERY
@settings(max_examples=12, deadline=None)
@given(
    channels=st.sampled_from([1, 3]), high=st.integers(8, 40), wide=st.integers(8, 40), seed=st.integers(0, 99),
    span=st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]),
)  # fmt: skip
def test_the_pixel_error_grows_with_the_severity_and_the_range_is_kept(kind, channels, high, wide, seed, span):
    low, top = span
    x = low + smooth(12, channels, high, wide, seed) * (top - low)
    found = errors(x, kind, span)
    assert found[0] == 0
    assert found[1] >= 0
    assert all(b >= a - 1e-6 * (top - low) for a, b in pairwise(found))
    assert found[-1] > 0
    worst = corrupt(x, kind, WORST, seeds=range(12), span=span)
    assert worst.dtype == torch.float32
    assert worst.shape == x.shape
    assert float(worst.min()) >= low
    assert float(worst.max()) <= top


@EVERY
def test_it_grows_in_real_digits_and_but_for_moves_in_pure_noise(kind):
    found = errors(digits(96), kind)
    assert all(b >= a for a, b in pairwise(found))
    if kind not in ALIKE:
        noise = torch.rand(24, 3, 17, 21, generator=torch.Generator().manual_seed(1))
        assert np.all(np.diff(errors(noise, kind)) >= 0)


@EVERY
def test_severity_zero_is_the_very_image_and_a_row_depends_on_its_own_seed_alone(kind):
    x = smooth(6, 3, 12, 15, 2)
    assert torch.equal(corrupt(x, kind, 0, seeds=range(6)), x)
    together = corrupt(x, kind, 3, seeds=[5, 9, 2, 7, 1, 3])
    alone = corrupt(x[3:4], kind, 3, seeds=[7])
    assert torch.allclose(together[3:4], alone, atol=1e-6)
    order = [4, 2, 0, 1, 5, 3]
    turned = corrupt(x[order], kind, 3, seeds=[[5, 9, 2, 7, 1, 3][at] for at in order])
    assert torch.allclose(turned, together[order], atol=1e-6)


def test_the_random_state_of_the_caller_stays():
    before = torch.get_rng_state()
    for kind in CORRUPTIONS:
        corrupt(smooth(2, 1, 9, 9, 0), kind, 2, seeds=[1, 2])
    assert torch.equal(before, torch.get_rng_state())


def test_what_is_too_small_or_too_severe_is_refused():
    with pytest.raises(ValueError, match="8 pixels"):
        corrupt(torch.zeros(1, 1, 7, 9), "blur", 1, seeds=[0])
    with pytest.raises(ValueError, match="severity is 6"):
        corrupt(torch.zeros(1, 1, 8, 8), "blur", 6, seeds=[0])


def test_the_quantized_cosine_transform_is_that_of_scipy():
    from govkit.attacks.corruptions import _JPEG

    x = digits(3)
    steps = np.array(_JPEG) / 255 * 2.0 ** (3 - 2)
    expected = [
        idctn(np.round(dctn(image[0] - 0.5, norm="ortho") / steps) * steps, norm="ortho") + 0.5 for image in x.numpy()
    ]
    found = corrupt(x, "jpeg", 3, seeds=range(3))[:, 0].numpy()
    assert found == pytest.approx(np.clip(expected, 0, 1), abs=1e-5)


def test_the_blur_is_nearly_that_of_a_gaussian_and_keeps_the_mean():
    x = smooth(2, 1, 40, 40, 3)
    found = corrupt(x, "blur", 4, seeds=[0, 1])
    width = 4 * (0.25 + 0.005 * 40)
    expected = np.stack([gaussian_filter(image[0], width, mode="reflect") for image in x.numpy().astype(float)])
    assert found[:, 0].numpy() == pytest.approx(expected, abs=2e-3)
    assert found.mean().item() == pytest.approx(x.mean().item(), abs=1e-5)


def test_pixelation_takes_means_of_whole_blocks():
    x = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(4))
    blocks = x.reshape(4, 8, 4, 8).mean(dim=(1, 3)).repeat_interleave(8, 0).repeat_interleave(8, 1)
    assert torch.allclose(corrupt(x, "pixelate", 5, seeds=[0])[0, 0], blocks, atol=1e-5)


TEXT = "Congratulations, you won a £1000 prize! Call 09061701461 or www.prize.com before Friday and tell your friends"


@pytest.mark.parametrize("kind", NOISES)
def test_noise_in_a_text_starts_from_nothing_and_grows(kind):
    assert noisy(TEXT, kind, 0, "a") == TEXT
    texts = [noisy(TEXT, kind, severity, "a") for severity in range(1, WORST + 1)]
    assert texts == [noisy(TEXT, kind, severity, "a") for severity in range(1, WORST + 1)]
    assert texts[-1] != TEXT
    many = [[_away(noisy(TEXT, kind, severity, str(key)), TEXT) for severity in range(WORST + 1)] for key in range(40)]
    assert np.all(np.diff(np.mean(many, axis=0)) > 0)
    if kind != "cut short":
        assert all(token in text for token in protected(TEXT) for text in texts)
    for odd in ("", " ", "a", "\ud800 x", "1 2 3", "👍👍"):
        assert isinstance(noisy(odd, kind, WORST, "a"), str)
    with pytest.raises(ValueError, match="severity"):
        noisy(TEXT, kind, 6, "a")


def _away(text: str, other: str) -> int:
    """Edits between two texts (Levenshtein), by the textbook."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(text, 1):
        row = _next(row, i, a, other)
    return row[-1]


def _next(row: list[int], i: int, letter: str, other: str) -> list[int]:
    new = [i]
    for j, b in enumerate(other, 1):
        new.append(min(row[j] + 1, new[-1] + 1, row[j - 1] + (letter != b)))
    return new


FRAME = pd.DataFrame(
    {"age": [20, 30, 40, 50], "income": [1.5, 2.5, 3.5, 4.5], "rent": [0.5, 0.6, 0.7, 0.8], "job": list("aabc"),
     "member": [True, False, True, True]}
)  # fmt: skip
KEYS = ["w", "x", "y", "z"]


def test_faults_in_a_table_by_hand():
    unit = faulty(FRAME, "wrong unit", 1, KEYS)
    factors = unit[["age", "income", "rent"]].to_numpy() / FRAME[["age", "income", "rent"]].to_numpy()
    assert np.allclose(np.sort(factors, axis=1), [1, 1, 10])
    swapped = faulty(FRAME, "swapped columns", 5, KEYS)
    assert swapped["income"].tolist() == FRAME["rent"].tolist()
    assert swapped["rent"].tolist() == FRAME["income"].tolist()
    assert swapped["age"].tolist() == FRAME["age"].tolist()
    gone = faulty(FRAME, "missing values", 1, KEYS).isna().sum(axis=1)
    assert gone.tolist() == [1, 1, 1, 1]
    assert faulty(FRAME, "missing values", 5, KEYS).isna().sum(axis=1).tolist() == [3, 3, 3, 3]
    usual = usual_values(FRAME)
    assert [usual[name] for name in ("age", "income", "rent")] == pytest.approx([35, 3.0, 0.65])
    assert (usual["job"], usual["member"]) == ("a", True)
    assert faulty(FRAME[["job"]], "wrong unit", 1, KEYS) is None
    assert faulty(FRAME[["age", "job"]], "swapped columns", 1, KEYS) is None


@pytest.mark.parametrize("kind", FAULTS)
def test_a_row_of_a_table_depends_on_its_own_key_and_higher_severities_hit_more(kind):
    assert faulty(FRAME, kind, 0, KEYS) is FRAME
    whole = faulty(FRAME, kind, 3, KEYS)
    part = faulty(FRAME.iloc[[2]].reset_index(drop=True), kind, 3, KEYS[2:3])
    assert part.iloc[0].astype(str).tolist() == whole.iloc[2].astype(str).tolist()
    hit = [faulty(FRAME, kind, severity, KEYS).ne(FRAME).to_numpy() for severity in (1, 3, 5)]
    assert all((more | ~less).all() for less, more in pairwise(hit))


@pytest.mark.parametrize("kind", TEXTS)
def test_foreign_texts_are_as_long_as_the_rows_and_made_by_the_key(kind):
    texts = ["one two three", "one", "a " * 500, ""]
    made = foreign_texts(kind, texts, KEYS)
    assert made == foreign_texts(kind, texts, KEYS)
    assert len(set(made)) >= 3
    assert foreign_texts(kind, texts[1:2], KEYS[1:2]) == made[1:2] or kind == "another script"
    if kind != "program code":
        assert [len(text.split()) for text in made] == [3, 1, 25, 1]


def test_another_script_is_one_that_the_rows_do_not_use():
    def names(texts):
        import unicodedata

        return {unicodedata.name(letter).split()[0] for letter in "".join(foreign_texts("another script", texts, ["k"]))
                if letter != " "}  # fmt: skip

    assert names(["hello there my friend"]) == {"GREEK"}
    assert names(["γειά σου φίλε μου"]) == {"CYRILLIC"}


@pytest.mark.parametrize("span", [(0.0, 1.0), (-1.0, 1.0)])
@pytest.mark.parametrize("kind", IMAGES)
def test_foreign_images_have_the_shape_and_the_range_of_the_rows(kind, span):
    low, high = span
    x = (low + smooth(5, 3, 9, 14, 0).numpy() * (high - low)).astype(np.float32)
    made = foreign_images(kind, x, range(5), span=span)
    assert (made.shape, made.dtype) == (x.shape, np.float32)
    assert made.min() >= low
    assert made.max() <= high
    assert (made[3:4] == foreign_images(kind, x[3:4], [3], span=span)).all()
    assert np.abs(made - x).mean() > 0.05
    if kind == "shuffled pixels":
        assert np.sort(made.reshape(5, 3, -1)) == pytest.approx(np.sort(x.reshape(5, 3, -1)), abs=1e-6)


@pytest.mark.parametrize("kind", TABLES)
def test_foreign_rows_of_a_table(kind):
    frame = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50), "c": [f"v{at}" for at in range(50)]})
    made = foreign_table(kind, frame, [str(at) for at in range(50)])
    assert list(made.columns) == ["a", "b", "c"]
    assert sorted(made["c"]) == sorted(frame["c"])
    assert (made["c"] != frame["c"]).mean() > 0.8
    outside = (made["a"] < 0) | (made["a"] > 49)
    assert outside.all() if kind == "outside the range" else not outside.any()
    if kind == "columns drawn apart":
        assert sorted(made["a"]) == sorted(frame["a"])
        assert abs(np.corrcoef(made["a"], made["b"])[0, 1]) < 0.5
