"""Replacing functions for the time of a recording: whatever they are, and back again."""

from __future__ import annotations

import importlib
import inspect
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest
import safetensors
import safetensors.numpy

from govkit.lineage.reads.patching import Patches

SOURCE = '''
"""A module."""
LOADED = []

def double(x, *, plus=0):
    """Twice."""
    return 2 * x + plus

class Base:
    def __init__(self, x): self.x = x
    def add(self, y): return self.x + y
    @classmethod
    def make(cls, x): return cls(x)
    @staticmethod
    def plain(x): return -x

class Child(Base):
    pass
'''


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    (tmp_path / "patched_one.py").write_text(SOURCE)
    (tmp_path / "patched_two.py").write_text("from patched_one import double, Base\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "patched_one", "patched_two"
    for name in ("patched_one", "patched_two"):
        sys.modules.pop(name, None)


@pytest.fixture
def patches() -> Iterator[Patches]:
    made = Patches()
    yield made
    made.undo()
    assert made not in sys.meta_path


class Seen(list):
    def __call__(self, original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.append((args, kwargs))
        return original(*args, **kwargs)


@pytest.mark.parametrize("loaded", [True, False], ids=["already loaded", "loaded later"])
def test_a_function_and_the_names_that_other_modules_have_for_it(names, patches: Patches, loaded: bool):
    seen = Seen()
    if loaded:
        importlib.import_module(names[1])
    patches.wrap(names[0], "double", seen)
    one, two = importlib.import_module(names[0]), importlib.import_module(names[1])
    assert one.double is two.double
    assert two.double(3, plus=1) == 7
    assert seen == [((3,), {"plus": 1})]
    assert (one.double.__name__, one.double.__doc__) == ("double", "Twice.")
    assert str(inspect.signature(one.double)) == "(x, *, plus=0)"
    assert pickle.loads(pickle.dumps(one.double)) is one.double  # noqa: S301
    kept = one.double
    patches.undo()
    assert not hasattr(one.double, "__wrapped__")
    assert one.double is two.double
    assert kept(1) == 2
    assert len(seen) == 1


def test_methods_of_every_kind_and_inherited_ones(names, patches: Patches):
    one = importlib.import_module(names[0])
    before = {kind: dict(vars(kind)) for kind in (one.Base, one.Child)}
    seen = Seen()
    for name in ("Base.__init__", "Base.add", "Base.make", "Base.plain", "Child.make", "Child.add"):
        patches.wrap(names[0], name, seen)
    child = one.Child.make(4)
    assert type(child) is one.Child
    assert (child.add(1), one.Child.plain(2), child.plain(3)) == (5, -2, -3)
    assert type(one.Base.make(1)) is one.Base
    # The child's own wrapper calls the wrapper of its base.
    assert [args[1:] if args[0] in (child, one.Child) else args for args, _ in seen[:6]] == [
        (4,), (4,), (4,), (1,), (1,), (2,),
    ]  # fmt: skip
    patches.undo()
    assert {kind: dict(vars(kind)) for kind in (one.Base, one.Child)} == before


def test_errors_of_the_original_pass_untouched(names, patches: Patches):
    patches.wrap(names[0], "double", Seen())
    one = importlib.import_module(names[0])
    with pytest.raises(TypeError, match="unexpected keyword argument 'less'"):
        one.double(1, less=2)


def test_a_function_may_be_wrapped_twice_and_by_two(names, patches: Patches):
    order: list[str] = []

    def around(word: str) -> Any:
        return lambda original, args, kwargs: order.append(word) or original(*args, **kwargs)

    other = Patches()
    patches.wrap(names[0], "double", around("inner"))
    patches.wrap(names[0], "double", around("outer"))
    other.wrap(names[0], "double", around("other"))
    one = importlib.import_module(names[0])
    assert one.double(1) == 2
    assert sorted(order) == ["inner", "other", "outer"]
    assert order.index("outer") < order.index("inner")
    other.undo()
    patches.undo()
    del order[:]
    assert one.double(1) == 2
    assert not order


def test_the_loader_of_the_module_is_its_own(names, patches: Patches):
    patches.wrap(names[0], "double", Seen())
    one = importlib.import_module(names[0])
    assert type(one.__loader__).__name__ == type(one.__spec__.loader).__name__ == "SourceFileLoader"
    assert "Twice" in inspect.getsource(one)


def test_what_does_not_exist_is_told_not_raised(names, patches: Patches):
    for name in ("triple", "Base.missing", "Nobody.at_all"):
        patches.wrap(names[0], name, Seen())
    importlib.import_module(names[0])
    patches.wrap("no_such_module_at_all", "f", Seen())
    assert patches.missing == [f"{names[0]}:{name}" for name in ("triple", "Base.missing", "Nobody.at_all")]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_module_at_all")


def test_a_module_that_puts_another_in_its_place(tmp_path: Path, patches: Patches, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "patched_lazy.py").write_text(
        "import sys, types\nnew = types.ModuleType(__name__)\nnew.f = lambda x: x\nsys.modules[__name__] = new\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    seen = Seen()
    patches.wrap("patched_lazy", "f", seen)
    assert importlib.import_module("patched_lazy").f(5) == 5
    assert seen == [((5,), {})]
    del sys.modules["patched_lazy"]


def test_classes_that_cannot_be_subclassed(tmp_path: Path, patches: Patches):
    path = tmp_path / "x.safetensors"
    safetensors.numpy.save_file({"a": pa.array([1.0]).to_numpy()}, path)
    real, seen = safetensors.safe_open, Seen()
    patches.wrap("safetensors", "safe_open", seen)
    patches.wrap("pyarrow", "OSFile", seen)
    patches.wrap("pyarrow.lib", "OSFile", seen)
    with safetensors.safe_open(path, framework="np") as file:
        assert list(file.keys()) == ["a"]
        assert isinstance(file, safetensors.safe_open)
    assert safetensors.safe_open.__doc__ == real.__doc__
    with pa.OSFile(str(path)) as file:
        assert isinstance(file, pa.OSFile)
    assert len(seen) >= 2
    patches.undo()
    assert safetensors.safe_open is real


@pytest.mark.parametrize("name", ["pyarrow.parquet.core:ParquetFile", "pyarrow.lib:OSFile", "safetensors:safe_open"])
def test_a_class_is_still_a_class(name: str, patches: Patches):
    module, _, leaf = name.partition(":")
    real = getattr(importlib.import_module(module), leaf)
    patches.wrap(module, leaf, Seen())
    patches.wrap(module, leaf, Seen())
    shown: Any = getattr(importlib.import_module(module), leaf)
    assert (shown is real) == (leaf == "ParquetFile")
    assert inspect.isclass(shown)
    assert (shown | None, None | shown, shown | shown) == (real | None, None | real, real | shown)
    assert not isinstance(None, shown)
    assert isinstance(None, shown | None)
    assert issubclass(shown, shown)
    assert issubclass(real, shown)
    assert issubclass(shown, object)
    assert not issubclass(int, shown)
    if leaf != "safe_open":
        assert pickle.loads(pickle.dumps(shown)) is shown  # noqa: S301
        assert issubclass(type("Mine", (real,), {}), shown)


def test_a_python_class_stays_itself_and_its_subclasses_are_seen(names, patches: Patches):
    one = importlib.import_module(names[0])
    real, before, seen = one.Base, dict(vars(one.Base)), Seen()
    signature = inspect.signature(real)
    patches.wrap(names[0], "Base", seen)
    assert one.Base is real
    assert inspect.signature(real) == signature
    assert (real(1).x, real(x=2).x, one.Child(3).x) == (1, 2, 3)
    assert seen == [((1,), {}), ((), {"x": 2}), ((3,), {})]
    patches.undo()
    assert dict(vars(real)) == before


def test_a_stand_in_can_be_subclassed_where_the_class_can(names, patches: Patches):
    patches.wrap(names[0], "Base", Seen())
    one = importlib.import_module(names[0])

    class More(one.Base):
        pass

    assert More(2).add(1) == 3
    assert pickle.loads(pickle.dumps(one.Base)) is one.Base  # noqa: S301
    assert one.Base.plain(1) == -1


def test_methods_of_a_native_class(patches: Patches):
    import duckdb

    seen = Seen()
    patches.wrap("duckdb", "DuckDBPyConnection.execute", seen)
    with duckdb.connect() as connection:
        assert connection.execute("select 1").fetchall() == [(1,)]
    assert seen[0][0][1] == "select 1"


def test_looking_through_modules_loads_no_lazy_one(patches: Patches):
    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"{name} was looked up")

    sys.modules["patched_never"] = Lazy("patched_never")
    try:
        patches.wrap("json", "loads", Seen())
    finally:
        del sys.modules["patched_never"]
