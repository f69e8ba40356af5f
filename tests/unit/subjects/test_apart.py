"""Code of a user in a process of its own: what it is asked, and what hostile code reaches."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from govkit.core.audit import SubjectSource
from govkit.core.case import Differentiable, Passes
from govkit.errors import MissingExtra, SubjectError
from govkit.subjects import FeatureBase, load
from govkit.subjects.apart import Child, Fence, frames
from govkit.subjects.apart.remote import suite_of
from govkit.subjects.modules import interpolated, module_of, with_module

FRAME = pd.DataFrame({"a": [0.0, 1.0, -3.0, 2.0], "b": [True, False, True, True]})

MODELS = """
import numpy as np
import torch

def predict(frame):
    p = 1 / (1 + np.exp(-frame["a"].to_numpy(dtype=float)))
    return np.stack([1 - p, p], axis=1)

def texts(inputs):
    assert type(inputs) is list
    return [[len(text), 0.0] for text in inputs]

def fails(frame):
    raise KeyError("no such\\x1b[31m row")

class Net(torch.nn.Module):
    classes = ("no", "yes")
    def __init__(self, seed=5, cut=False):
        super().__init__()
        torch.manual_seed(seed)
        self.linear = torch.nn.Linear(2, 2)
        self.drop = torch.nn.Dropout(0.5)
        self.cut = cut
    def forward(self, x):
        return self.linear(self.drop(x.detach() if self.cut else x)) ** 3

net, other, cut, number = Net(), Net(6), Net(cut=True), 7
body = torch.nn.Linear(2, 3)

class Suite:
    def to_json_dict(self):
        return {"name": "s", "expectations": []}

def suite():
    return Suite()
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("user")
    (root / "models.py").write_text(textwrap.dedent(MODELS), encoding="utf-8")
    return root


@pytest.fixture
def fence():
    made = Fence(seed=1)
    yield made
    made.close()


def ask_for(root: Path, fence: Fence | None, name: str, **more):
    options = {"modality": "table", "classes": ("0", "1"), "passes": Passes(), **more}
    return load(SubjectSource(python=name), root=root, fence=fence, **options)


def hostile(tmp_path: Path, fence: Fence, code: str):
    """A predict function with this body, in its own process."""
    text = "import os, sys\nimport numpy as np\nEVEN = lambda x: np.full((len(x), 2), 0.5)\n" + textwrap.dedent(code)
    (tmp_path / "hostile.py").write_text(text, encoding="utf-8")
    return ask_for(tmp_path, fence, "hostile:predict")


def alive(number: int) -> bool:
    """Whether a process runs; one that ended and was not reaped does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def dies(number: int, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while alive(number) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(number)


def processes_with(mark: str) -> set[int]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


def test_answers_are_those_of_the_same_code_in_this_process(root, fence):
    apart, here = (ask_for(root, each, "models:predict") for each in (fence, None))
    assert np.array_equal(apart.predict(FRAME), here.predict(FRAME))
    assert (apart.digest, apart.path, apart.classes, apart.access) == (here.digest, here.path, here.classes, "predict")
    assert apart.passes.forward == 4
    assert not isinstance(apart, Differentiable)
    lengths = ask_for(root, fence, "models:texts", modality="text")
    assert lengths.predict(["ccc", "a", "bb"])[:, 0].tolist() == [3, 1, 2]
    assert lengths.predict([]).shape == (0,)


def test_a_module_has_its_logits_and_gradients(root, fence):
    apart, here = (ask_for(root, each, "models:net") for each in (fence, None))
    assert np.allclose(apart.predict(FRAME), here.predict(FRAME), atol=1e-7)
    found = []
    for subject in (apart, here):
        x = subject.encode(FRAME)["x"].requires_grad_()
        logits = subject.logits({"x": x})
        found += [logits.detach(), torch.autograd.grad((logits * logits).sum(), x)[0]]
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[1], found[3])
    with torch.no_grad():
        assert not apart.logits(apart.encode(FRAME)).requires_grad
    state = torch.random.get_rng_state()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_gradient_that_is_cut_is_cut_here_too(root, fence):
    subject = ask_for(root, fence, "models:cut")
    x = subject.encode(FRAME)["x"].requires_grad_()
    assert not subject.logits({"x": x}).requires_grad


def test_two_graphs_at_once_keep_their_own_gradients(root, fence):
    subject = ask_for(root, fence, "models:net")
    first, second = (subject.encode(FRAME * factor)["x"].requires_grad_() for factor in (1, 2))
    one, two = subject.logits({"x": first}), subject.logits({"x": second})
    both = torch.autograd.grad(one.sum() + two.sum(), (first, second))
    assert torch.equal(both[0], torch.autograd.grad(subject.logits({"x": first}).sum(), first)[0])
    assert not torch.equal(*both)


def test_weights_are_mixed_as_in_this_process(root, fence):
    answers = []
    for each in (fence, None):
        subject, base = (ask_for(root, each, name) for name in ("models:net", "models:other"))
        tensors = module_of(base).state_dict()
        half, whole = (
            with_module(subject, interpolated(module_of(subject), tensors, weight).module) for weight in (0.5, 1.0)
        )
        answers.append([model.predict(FRAME) for model in (half, whole, half, subject, base)])
        assert np.allclose(answers[-1][1], answers[-1][4])
    assert np.allclose(answers[0], answers[1], atol=1e-7)
    assert not np.allclose(answers[0][0], answers[0][3])


def test_a_base_has_its_features_and_their_gradient(root, fence):
    apart, here = (
        FeatureBase("models:body", paths=[root], modality="table", passes=Passes(), fence=each)
        for each in (fence, None)
    )
    # Its weights are drawn anew in each process.
    weights = apart.model.state_dict()
    here.model.load_state_dict(weights)
    assert np.allclose(apart.embed(FRAME), here.embed(FRAME))
    x = apart.encode(FRAME)["x"].requires_grad_()
    (gradient,) = torch.autograd.grad(apart.features({"x": x}).sum(), x)
    assert torch.allclose(gradient, weights["weight"].sum(0).expand(4, 2))
    with pytest.raises(SubjectError, match="models:predict is a function; a base under a probe must be"):
        FeatureBase("models:predict", paths=[root], modality="table", passes=Passes(), fence=fence)


def test_a_suite_is_handed_over_as_data(root, fence):
    assert suite_of("models:suite", paths=[root], fence=fence) == {"name": "s", "expectations": []}
    with pytest.raises(SubjectError, match="expected an ExpectationSuite"):
        suite_of("models:number", paths=[root], fence=fence)


def test_errors_are_text_of_one_line(root, fence, tmp_path):
    with pytest.raises(SubjectError, match=r"models:fails: KeyError: 'no such\\x1b\[31m row'"):
        ask_for(root, fence, "models:fails").predict(FRAME)
    with pytest.raises(SubjectError, match="has no 'absent'"):
        ask_for(root, fence, "models:absent")
    with pytest.raises(SubjectError) as caught:
        hostile(tmp_path, fence, "def predict(x): raise ValueError('\\x1b[2J' + 'y' * 10**6)").predict(FRAME)
    assert len(str(caught.value)) <= 2000
    assert str(caught.value).isprintable()
    (tmp_path / "needs.py").write_text("raise ModuleNotFoundError(\"No module named 'peft'\", name='peft')")
    with pytest.raises(MissingExtra, match=r"govkit\[train\]"):
        ask_for(tmp_path, fence, "needs:predict")


def test_rows_come_in_another_order_and_nothing_tells_which(tmp_path, fence):
    code = """
        def predict(x):
            assert x.index.tolist() == list(range(len(x)))
            return np.stack([x["a"], np.arange(len(x))], axis=1)
    """
    answer = hostile(tmp_path, fence, code).predict(pd.DataFrame({"a": np.arange(50.0)}))
    assert answer[:, 0].tolist() == list(range(50))
    assert sorted(answer[:, 1]) == list(range(50))
    assert (answer[:, 1] != np.arange(50)).sum() > 40


def test_patches_stay_in_the_process_of_the_code(tmp_path, fence):
    code = """
        import json, govkit.checks, govkit.pipeline.measuring
        json.dumps = np.mean = lambda *a, **k: "patched"
        govkit.pipeline.measuring.measure_case = None
        def predict(x):
            return EVEN(x)
    """
    with pytest.raises(SubjectError, match=r"no answer|ended before"):
        hostile(tmp_path, fence, code).predict(FRAME)
    import json

    from govkit.pipeline import measuring

    assert json.dumps([1]) == "[1]"
    assert np.mean([1.0, 3.0]) == 2
    assert measuring.measure_case is not None


def test_the_passphrase_is_nowhere(tmp_path, fence, monkeypatch):
    secret = "correct horse " + "battery"
    monkeypatch.setenv("GOVKIT_KEY_PASSWORD", secret)
    code = f"""
        import gc
        from pathlib import Path
        WANTED = b"correct horse " + b"battery"
        def found(read):
            try:
                return WANTED in read()
            except OSError:
                return False
        def memory(number):
            whole = b""
            with open(f"/proc/{{number}}/maps") as maps, open(f"/proc/{{number}}/mem", "rb", 0) as memory:
                for line in maps:
                    low, high = (int(end, 16) for end in line.split()[0].split("-"))
                    if "rw" in line.split()[1] and high - low < 1 << 28:
                        memory.seek(low)
                        whole += memory.read(high - low)
            return whole
        def predict(x):
            places = [
                any("horse" in value for value in os.environ.values()),
                "GOVKIT_KEY_PASSWORD" in os.environ,
                any(type(each) is str and each.endswith("horse battery") for each in gc.get_objects()),
                found(Path("/proc/self/environ").read_bytes),
            ]
            for number in ({os.getpid()}, {os.getppid()}):
                places.append(found(Path(f"/proc/{{number}}/environ").read_bytes))
                places.append(found(lambda: memory(number)))
            return np.array([[1.0 * any(places), 0.0]] * len(x))
    """
    subject = hostile(tmp_path, fence, code)
    if not subject.child.closed["memory"] and os.getuid() == 0:
        pytest.skip("root without namespaces reads everything")
    assert subject.predict(FRAME)[:, 0].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (b"PICKLE" * 100, "no answer"),
        (b"GKA1\xff\xff\xff\xff" + bytes(8), "no answer"),
        (b"GKA1\x00\x00\x00\x02" + b"\x7f" * 8 + b"{}", "expected at most"),
        (b"GKA1\x00\x00\x00\x02" + bytes(8) + b"[]", "header is no answer"),
        (b"GKA1\x00\x00\x00\x28" + bytes(8) + b'{"arrays":{"answer":["float64",[9,9]] } }', "header is no|other sizes"),
    ],
)
def test_bytes_that_are_no_answer_are_refused(tmp_path, fence, written, why):
    code = f"""
        import socket
        def predict(x):
            for number in range(3, 64):
                try:
                    os.write(number, {written!r})
                except OSError:
                    pass
            return EVEN(x)
    """
    with pytest.raises(SubjectError, match=why):
        hostile(tmp_path, fence, code).predict(FRAME)


@pytest.mark.parametrize(
    "header",
    [
        b'{"arrays": {"a": ["object", [1]]}}',
        b'{"arrays": {"a": ["float64", [-1]]}}',
        b'{"arrays": {"a": ["float64", [1.5]]}}',
        b'{"arrays": {"a": ["float64", "12"]}}',
        b'{"arrays": {"a": ["float64", [1, 1, 1, 1, 1, 1, 1, 1, 1]]}}',
        b'{"arrays": []}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_a_header_that_lies_is_refused(header):
    body = frames._LENGTHS.pack(frames.MARK, len(header), 8) + header + bytes(8)

    def read(length: int, at=[0]) -> bytearray:  # noqa: B006
        at[0] += length
        return bytearray(body[at[0] - length : at[0]])

    with pytest.raises(frames.Unreadable):
        frames.read_answer(read, limit=100)


def test_nothing_that_the_child_writes_is_unpickled(tmp_path, fence):
    code = """
        class Bomb:
            def __reduce__(self):
                return (os.mkdir, ("unpickled",))
            def __array__(self, *a, **k):
                raise ValueError("no numbers")
        def predict(x):
            return np.array([[Bomb(), 1.0]] * len(x), dtype=object)
    """
    with pytest.raises(SubjectError, match="hostile:predict"):
        hostile(tmp_path, fence, code).predict(FRAME)
    assert not Path("unpickled").exists()


def test_a_huge_answer_is_refused_before_it_is_held(tmp_path, fence):
    code = "def predict(x): return np.zeros((len(x), 1 << 22))"
    with pytest.raises(SubjectError, match="expected at most"):
        hostile(tmp_path, fence, code).predict(FRAME)


def test_an_answer_that_never_comes_is_waited_for_only_as_long_as_said(tmp_path):
    fence = Fence()
    subject = hostile(tmp_path, fence, "import time\ndef predict(x):\n    time.sleep(10**6)")
    fence.timeout = 0.2
    with pytest.raises(SubjectError, match=r"did not answer in 0\.2 seconds"):
        subject.predict(FRAME)
    with pytest.raises(SubjectError, match="ended before"):
        subject.predict(FRAME)


@pytest.mark.parametrize("leave", ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.abort()"])
def test_a_process_that_ends_is_an_error_of_the_subject(tmp_path, fence, leave):
    with pytest.raises(SubjectError, match="process ended before it answered"):
        hostile(tmp_path, fence, f"def predict(x):\n    {leave}\n    os._exit(1)").predict(FRAME)
    with pytest.raises(SubjectError, match="hostile:predict: SystemExit: 3"):
        hostile(tmp_path, fence, "def predict(x): sys.exit(3)").predict(FRAME)


def test_prints_do_not_reach_the_channel_or_stdout(tmp_path, fence, capfd):
    code = """
        print("at import")
        def predict(x):
            print("PASS")
            os.write(1, b"PASS")
            return EVEN(x)
    """
    assert hostile(tmp_path, fence, code).predict(FRAME)[0].tolist() == [0.5, 0.5]
    assert "PASS" not in capfd.readouterr().out


GRANDCHILD = """
    import subprocess
    def predict(x):
        for new in (False, True):
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600) # {mark}"], start_new_session=new)
        {then}
"""


@pytest.mark.parametrize("then", ["return EVEN(x)", "os._exit(0)"])
def test_grandchildren_end_with_it(tmp_path, then):
    fence, mark = Fence(), f"grandchild-{os.getpid()}-{len(then)}"
    subject = hostile(tmp_path, fence, GRANDCHILD.format(mark=mark, then=then))
    try:
        subject.predict(FRAME)
        assert processes_with(mark)
    except SubjectError:
        assert "exit" in then
    fence.close()
    assert all(map(dies, processes_with(mark)))


def test_it_ends_with_its_parent_even_by_kill(tmp_path):
    (tmp_path / "stays.py").write_text(
        "import os, time\nopen(os.environ['HOME'] + '/started', 'w').write('x')\ndef predict(x): time.sleep(600)\n"
    )
    code = f"""
import sys
from pathlib import Path
from govkit.core.audit import SubjectSource
from govkit.core.case import Passes
from govkit.subjects import load
from govkit.subjects.apart import Fence
import os
fence = Fence()
subject = load(SubjectSource(python="stays:predict"), root=Path({str(tmp_path)!r}), modality="text", passes=Passes(),
               fence=fence)
print("ready", flush=True)
subject.predict(["a"])
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "HOME": str(tmp_path)}
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    tree = _descendants(parent.pid)
    assert len(tree) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert all(map(dies, tree))


def _descendants(number: int) -> set[int]:
    found, left = set(), [number]
    while left:
        text = Path(f"/proc/{left[0]}/task/{left.pop(0)}/children").read_text(encoding="utf-8")
        fresh = set(map(int, text.split())) - found
        found, left = found | fresh, [*left, *fresh]
    return found


def test_what_is_closed_is_said_and_is_closed(tmp_path):
    labels = tmp_path / "data" / "test.csv"
    labels.parent.mkdir()
    labels.write_text("x,label\n1,yes\n")
    secret = tmp_path / "passphrase"
    secret.write_text("open sesame")
    fence = Fence(data=(labels,), secret=(secret,))
    code = f"""
        import socket
        def reads(path):
            try:
                return float(bool(open(path).read()))
            except OSError:
                return 0.0
        def connects():
            try:
                socket.create_connection(("192.0.2.1", 9), timeout=0.2)
            except OSError as error:
                return float(error.errno != 101)
        def predict(x):
            return np.array([[reads({str(labels)!r}), reads({str(secret)!r}), connects()]] * len(x))
    """
    subject = hostile(tmp_path, fence, code)
    answer, closed = subject.predict(FRAME)[0], subject.child.closed
    assert answer[:2].tolist() == [not closed["data"]] * 2
    assert bool(answer[2]) is not closed["network"]
    assert str(labels.resolve()) in {path for path, *_ in subject.child.noted()}
    fence.close()
    assert labels.read_text() == "x,label\n1,yes\n"


def test_a_decoy_tells_what_python_does_not(tmp_path):
    labels = tmp_path / "test.csv"
    labels.write_text("x,label\n1,yes\n")
    fence = Fence(data=(labels,))
    code = f"""
        import subprocess
        def predict(x):
            told = subprocess.run(["cat", {str(labels)!r}], capture_output=True).stdout
            return np.full((len(x), 2), float(bool(told)))
    """
    subject = hostile(tmp_path, fence, code)
    if not subject.child.closed["data"]:
        pytest.skip("no mount namespace here")
    assert subject.predict(FRAME)[0, 0] == 0
    assert str(labels.resolve()) in {path for path, *_ in subject.child.noted()}
    fence.close()


def test_an_honest_subject_touches_no_decoy(tmp_path):
    labels = tmp_path / "test.csv"
    labels.write_text("x,label\n1,yes\n")
    fence = Fence(data=(labels,))
    subject = hostile(tmp_path, fence, "def predict(x): return EVEN(x)")
    subject.predict(FRAME)
    assert str(labels.resolve()) not in {path for path, *_ in subject.child.noted()}
    fence.close()


def test_only_what_is_needed_of_the_environment_is_seen(tmp_path, fence, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    code = """
        def predict(x):
            return np.array([[float(bool({"AWS_SECRET_ACCESS_KEY", "PYTHONSTARTUP"} & {*os.environ})), 0.0]] * len(x))
    """
    assert hostile(tmp_path, fence, code).predict(FRAME[:1])[0, 0] == 0


def test_limits_are_set_and_capabilities_gone(tmp_path, fence):
    code = """
        import resource
        def predict(x):
            text = dict(line.split(":", 1) for line in open("/proc/self/status"))
            kept = any(int(text[name], 16) for name in ("CapEff", "CapPrm", "CapBnd"))
            core, size = (resource.getrlimit(each)[0] for each in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE))
            return np.array([[float(kept), float(core), float(size), float(text["NoNewPrivs"])]] * len(x))
    """
    subject = hostile(tmp_path, fence, code)
    if not subject.child.closed["memory"]:
        pytest.skip("no user namespace here")
    kept, core, size, bound = subject.predict(FRAME)[0]
    assert (kept, core, bound) == (0, 0, 1)
    assert 0 < size <= 1 << 30


def test_every_child_can_be_ended_twice(root):
    fence = Fence()
    child = Child("models:predict", kind="subject", paths=[root], fence=fence)
    child.close()
    fence.close()
    with pytest.raises(SubjectError, match="ended"):
        child.ask("tensors")
