"""Code, packages and machine, seen in real repositories, real imports and real models."""

from __future__ import annotations

import getpass
import hashlib
import importlib
import importlib.metadata
import os
import platform
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from govkit.lineage.environment import accelerator, code, devices, environment, installed, preprocessing
from govkit.lineage.facts import FACTS, NOT_APPLICABLE, complete


def git(root: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *settings, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def digest(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init")
    git(root, "remote", "add", "origin", "https://ada:plantedremote@host.org/x.git")
    (root / "train.py").write_text("print(1)\n")
    (root / "weights.bin").write_bytes(bytes(range(256)))
    git(root, "add", ".")
    git(root, "commit", "-m", "first")
    return root


def test_a_clean_commit(repository: Path) -> None:
    found = code(repository, script=(repository / "train.py", ["--token", "plantedflag", "--lr", "3"]))
    assert found["commit"].value == git(repository, "rev-parse", "HEAD")
    assert (found["dirty"].value, found["diff_sha256"]) == (False, NOT_APPLICABLE)
    assert (found["script"].value, found["script_sha256"].value) == ("train.py", digest(repository / "train.py"))
    assert found["arguments"].value == ["--token", "[hidden]", "--lr", "3"]
    assert "planted" not in repr(found)
    assert set(found) == set(FACTS["code"]) - {"preprocessing"}


def test_the_difference_is_that_of_the_bytes_whatever_the_settings(repository: Path) -> None:
    seen = [code(repository)["diff_sha256"]]
    for content in (b"print(2)\n", b"print(3)\n", b"print(2)\n"):
        (repository / "train.py").write_bytes(content)
        seen.append(code(repository)["diff_sha256"])
    git(repository, "config", "diff.noprefix", "true")
    git(repository, "config", "color.ui", "always")
    git(repository, "config", "diff.external", "false")
    git(repository, "add", "train.py")
    seen.append(code(repository)["diff_sha256"])
    (repository / "weights.bin").write_bytes(b"\x00\x01")
    seen.append(code(repository)["diff_sha256"])
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", fact.value) for fact in seen[1:])
    assert seen[1] == seen[3] == seen[4]
    assert len({fact.value for fact in seen}) == 4
    assert code(repository)["dirty"].value is True


def test_a_file_that_was_only_touched_is_no_difference(repository: Path) -> None:
    os.utime(repository / "train.py", (1, 1))
    assert code(repository)["dirty"].value is False


def test_an_untracked_file_is_no_difference_and_stands_in_the_preprocessing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "cleaning_of_rows.py").write_text("x = 1\n")
    assert code(repository)["dirty"].value is False
    monkeypatch.syspath_prepend(repository)
    importlib.import_module("cleaning_of_rows")
    monkeypatch.delitem(sys.modules, "cleaning_of_rows")
    monkeypatch.setitem(sys.modules, "renamed", ModuleType("renamed"))
    monkeypatch.setattr(sys.modules["renamed"], "__file__", str(repository / "cleaning_of_rows.py"), raising=False)
    own = {"cleaning_of_rows.py": digest(repository / "cleaning_of_rows.py")}
    assert preprocessing(repository).value == own
    script = repository / "train.py"
    assert preprocessing(repository, script=script).value == own | {"train.py": digest(script)}


def test_without_a_commit_the_reason_is_told(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init")
    for found in (code(tmp_path), code(tmp_path / "absent")):
        assert {found[name].seen for name in ("commit", "dirty", "diff_sha256")} == {"unknown"}
        assert "git" in found["commit"].why
    monkeypatch.setenv("PATH", "")
    assert code(repository)["commit"].seen == "unknown"


def test_the_script_is_that_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "own.py"
    script.write_text("1")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    monkeypatch.setattr(sys, "argv", ["own.py", "--data", str(tmp_path / "x.csv")])
    found = code(tmp_path)
    assert (found["script"].value, found["arguments"].value) == ("own.py", ["--data", "x.csv"])
    assert preprocessing(tmp_path).value == {"own.py": digest(script)}
    outside = code(tmp_path / "elsewhere")
    assert re.fullmatch(r"\[hidden [0-9a-f]{8}\]/own.py", outside["script"].value)
    monkeypatch.delattr(sys.modules["__main__"], "__file__")
    notebook = code(tmp_path)
    assert {notebook[name].seen for name in ("script", "script_sha256", "arguments")} == {"unknown"}
    assert "interactive" in notebook["script"].why


def test_no_installed_file_is_preprocessing() -> None:
    checkout = Path(__file__).resolve().parents[3]
    names = preprocessing(checkout).value
    assert Path(__file__).resolve().relative_to(checkout).as_posix() in names
    assert not [name for name in names if "site-packages" in name or name.startswith("govkit/")]
    assert preprocessing(Path(sys.prefix)).seen == "unknown"


def test_every_fact_of_the_machine_is_there() -> None:
    found = environment(torch.nn.Linear(2, 2))
    assert list(complete("environment", found)) == list(found) == list(FACTS["environment"])
    assert found["python"].value == platform.python_version()
    assert (found["device"].value, found["device_name"]) == ("cpu", NOT_APPLICABLE)
    total = int(re.search(r"MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text())[1]) // 1024  # type: ignore[index]
    assert found["memory_mb"].value == pytest.approx(total, rel=0.01)
    assert found["cpu"].value in Path("/proc/cpuinfo").read_text()
    shown = repr(found)
    assert socket.gethostname() not in shown.replace(found["platform"].value, "")
    assert str(Path.home()) not in shown
    assert f"/{getpass.getuser()}" not in shown


def test_packages_are_those_that_python_itself_names() -> None:
    found = environment(None)["packages"].value
    owners = importlib.metadata.packages_distributions()
    tops = {name.partition(".")[0] for name in sys.modules}
    expected = {owner for top in tops - sys.stdlib_module_names for owner in owners.get(top, ())}

    def plain(names: set[str]) -> set[str]:
        return {re.sub("[-_.]+", "-", name).lower() for name in names}

    assert plain(set(found)) == plain(expected | {"govkit"})
    assert all(importlib.metadata.version(name) == version for name, version in found.items())
    assert list(found) == sorted(found)
    assert {"torch", "scikit-learn", "govkit", "pytest"} <= set(found)
    assert installed([*found, "no-such-package"]) == found


def test_where_a_model_is() -> None:
    assert devices(None) == devices(object()) == []
    assert devices(LogisticRegression()) == ["cpu"]
    mixed = torch.nn.ModuleList([torch.nn.Linear(1, 1), torch.nn.Linear(1, 1, device="meta")])
    assert devices(mixed) == ["cpu", "meta"]
    found = environment(mixed)
    assert found["device"].value == "cpu, meta"
    assert found["device_name"].seen == "unknown"
    assert "accelerator" in found["device_name"].why
    assert environment(None)["device"].seen == "unknown"


def test_what_the_accelerator_says() -> None:
    assert accelerator(["cuda:0"], lambda cuda: cuda.__name__).value == "torch.cuda"
