"""Planted secrets of every kind must not survive; honest content must."""

from __future__ import annotations

import os
import socket
import string
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings, strategies as st

from govkit.core import Component, Fact, LicenseEvidence, LicenseRecord, Problem, Read, Run
from govkit.lineage.facts import FACTS, observed, stated
from govkit.lineage.privacy import HIDDEN, Veil

ALNUM = string.ascii_letters + string.digits
DIGEST = "sha256:" + "0123456789abcdef" * 4
COMMIT = "8b7e5c0f1a2d3948576af0b1c2d3e4f5a6b7c8d9"


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose name is no word of a record."""
    for name in ("USER", "LOGNAME"):
        monkeypatch.setenv(name, "adalovelace")
    monkeypatch.setenv("HOME", "/home/adalovelace")


def record(text: str = "", value: Any = None, **parts: Any) -> Run:
    """A record with a text in each of its places."""
    fact = observed(text or "fine")
    sign = LicenseEvidence(source="card", where=f"README.md: license: {text}", expression="MIT", sha256=DIGEST)
    base = Component(
        role="base",
        id=fact,
        revision=observed(COMMIT),
        digest=observed(DIGEST),
        rows=fact,
        license=LicenseRecord(expression="MIT", state="known", reason=f"because {text}", evidence=(sign,)),
        details={"place": fact, "files": observed({text: DIGEST})},
        notes={"collected": stated([text, {"by": text}])},
    )
    filled: dict[str, Any] = {
        "hyperparameters": {"other_arguments": observed({"report_to": text, text: 1})},
        "environment": {"packages": observed({"torch": "2.13.0", "google-auth": "2.1"})},
        "code": {"arguments": observed(["--data", text]), "commit": observed(None, f"why {text}")},
        "seeds": {"python": observed(value)},
        "outputs": {f"model {text}": DIGEST},
        "reads": (Read(path=text, channels=("hook",), sha256=DIGEST),),
        "channels": {"network": f"not seen: {text}"},
        "problems": (Problem(kind="data changed", what=f"{text}: its bytes changed"),),
    }
    return Run(
        name=f"run {text}",
        base=base,
        seed=observed(0),
        artifact=observed(DIGEST),
        exit="finished",
        started="2026-01-01T00:00:00+00:00",
        history=({"loss": 0.5},),
        **(filled | parts),
    )


def written(run: Run) -> str:
    return run.model_dump_json(by_alias=True)


def sized(alphabet: str, length: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=length, max_size=length)


SECRETS = st.one_of(
    sized(ALNUM, 34).map("hf_{}".format),
    st.tuples(st.sampled_from(["ghp", "gho", "ghs", "ghu", "ghr"]), sized(ALNUM, 36)).map("_".join),
    sized(ALNUM + "_", 40).map("github_pat_{}".format),
    sized(ALNUM, 28).map("sk-proj-7{}".format),
    sized(string.ascii_uppercase + string.digits, 16).map("AKIA{}".format),
    sized(ALNUM + "/+", 37).map("aZ3{}".format),
    sized(ALNUM, 24).map("xoxb-123456789012-{}".format),
    st.tuples(sized(ALNUM, 20), sized(ALNUM + "-_", 30), sized(ALNUM + "-_", 43)).map(
        lambda p: f"eyJ{p[0]}.eyJ{p[1]}.{p[2]}"
    ),
    sized(ALNUM, 12).map("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----".format),
)


@settings(max_examples=60, deadline=None)
@given(
    secret=SECRETS,
    before=st.sampled_from(["", "x ", "a=", "(", '"', "https://h.org/?q="]),
    after=st.sampled_from(["", " y", '"', ")", ", z"]),
)
def test_no_secret_with_a_known_form_survives(secret: str, before: str, after: str) -> None:
    run = Veil(Path("/work/project")).run(record(before + secret + after))
    core = secret.split("\n")[1] if "\n" in secret else secret
    assert core not in written(run)
    assert HIDDEN in run.name


@settings(max_examples=60, deadline=None)
@given(
    # A run of signs that no honest part of the record holds by chance.
    secret=st.text(string.printable.strip(), min_size=5, max_size=40).map("Q{}".format),
    name=st.sampled_from(
        ["HF_TOKEN", "WANDB_API_KEY", "DB_PASSWORD", "my_secret", "MYTOKEN", "AWS_CREDENTIALS", "BASIC_AUTH", "DB_PWD"]
    ),
    before=st.sampled_from(["", "x", "/data/", "a "]),
)
def test_no_secret_of_the_environment_survives(secret: str, name: str, before: str) -> None:
    with mock.patch.dict(os.environ, {name: secret}):
        veil = Veil(Path("/work/project"))
    # A script can take a secret out of its environment after it has read it.
    shown = veil.run(record(f"{before}{secret}z", value={secret: [secret]}))
    assert secret not in repr(shown.model_dump())
    assert secret not in written(shown)


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(max_size=60)
    | st.lists(SECRETS | st.sampled_from(["/home/x/y.csv", "--token", "~/a b/c", "a/b", "k=v", "://u:p@h"])).map(
        " ".join
    )
)
def test_what_passed_the_veil_passes_it_unchanged(text: str) -> None:
    veil = Veil(Path("/work/project"))
    once = veil.text(text)
    assert veil.text(once) == once


def test_a_secret_that_the_run_puts_into_the_environment_is_found_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    veil = Veil(Path("/work/project"))
    monkeypatch.setenv("OPENAI_API_KEY", "correct horse")
    assert "correct horse" not in written(veil.run(record("it is correct horse")))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--token", "abc", "--lr", "3"], ["--token", "[hidden]", "--lr", "3"]),
        (["--password=a b=c"], ["--password=[hidden]"]),
        (["--hub-token", "-abc"], ["--hub-token", "[hidden]"]),
        (["--use-auth-token", "--epochs", "3"], ["--use-auth-token", "--epochs", "3"]),
        (["-api_key=x", "trainer.api_key=y"], ["-api_key=[hidden]", "trainer.api_key=[hidden]"]),
        (
            ["--pad_token", "[PAD]", "--max-tokens", "9", "--text-key", "t"],
            ["--pad_token", "[PAD]", "--max-tokens", "9", "--text-key", "t"],
        ),
        (["--data=/work/project/my data/x.csv", "data/y.csv"], ["--data=my data/x.csv", "data/y.csv"]),
        (["-p", "hunter2pass", "-k", "V", "-u", "bob:x"], ["-p", "[hidden]", "-k", "[hidden]", "-u", "[hidden]"]),
        (
            ["-p=hunter2", "db.pass=x", "+login=y", "--no"],
            ["-p=[hidden]", "db.pass=[hidden]", "+login=[hidden]", "--no"],
        ),
    ],
)
def test_arguments(arguments: list[str], expected: list[str]) -> None:
    veil = Veil(Path("/work/project"))
    assert veil.arguments(arguments) == expected
    assert veil.run(record(code={"arguments": observed(arguments)})).code["arguments"].value == expected


@pytest.mark.parametrize(
    "name",
    [
        "pass",
        "pw",
        "key",
        "bearer",
        "login",
        "pat",
        "user",
        "auth",
        "token",
        "secret",
        "cred",
        "creds",
        "pwd",
        "passwd",
        "db-pass",
        "dbpass",
        "user_name",
        "password1",
        "ssh.key",
        "passkey",
        "USER",
        "github-pat",
    ],
)
@pytest.mark.parametrize("value", ["V", "bob:secret", "alice.smith", "12.5", "-x"])
def test_an_option_that_may_hold_a_secret_loses_its_value(name: str, value: str) -> None:
    shown = Veil(Path("/work/project")).arguments
    assert shown([f"--{name}", value, "--lr", "3"]) == [f"--{name}", "[hidden]", "--lr", "3"]
    assert shown([f"--{name}={value}", "y"]) == [f"--{name}=[hidden]", "y"]


@pytest.mark.parametrize(
    "option",
    [
        "--epochs",
        "--tokenizer",
        "--keyboard",
        "--path",
        "--num_passes",
        "--num-pass",
        "--n-pass",
        "--patience",
        "--pattern",
        "--author",
        "--users",
        "-path",
        "--p",
        "-n",
        "--keys",
        "--compass",
        "--bypass",
        "--user-agent",
        "--sort_key",
        "--num-users",
        "--max_user_id",
        "--private",
        "--k",
        "--passes",
    ],
)
def test_an_honest_option_keeps_its_value(option: str) -> None:
    for written_as in ([option, "data.csv", "3"], [f"{option}=data.csv", "3"]):
        assert Veil(Path("/work/project")).arguments(written_as) == written_as


def test_a_name_that_is_no_utf_8_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = os.fsdecode(b"caf\xe9.txt")
    monkeypatch.setenv("MY_SECRET", odd + "7")
    veil = Veil(Path("/work/project"))
    assert veil.path(Path("/work/project/data", odd)) == r"data/caf\udce9.txt"
    assert veil.arguments([odd]) == [veil.text(odd)] == [r"caf\udce9.txt"]
    assert veil.path(Path("/srv", odd)).encode().endswith(rb"]/caf\udce9.txt")
    assert veil.text(odd + "7") == "[hidden]"


def test_a_secret_of_the_command_line_is_found_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys,
        "argv",
        ["train.py", "--token", "opensesame", "--password=swordfish", "--pass", "friend77", "--key", "honest one"],
    )
    shown = written(Veil(Path("/work/project")).run(record("swordfish friend77 opensesame honest one")))
    assert "friend77" not in shown
    assert "opensesame" not in shown
    assert "swordfish" not in shown
    assert "honest one" in shown


def test_what_stands_under_the_name_of_a_secret_is_hidden_whatever_it_is() -> None:
    told = {
        "hub_token": "short",
        "password": 4711,
        "credentials": {"user": "u", "p": "q"},
        "use_auth_token": True,
        "api_key": None,
    }
    run = record(hyperparameters={"other_arguments": observed(told)}, seeds={"token": observed("t", "n")})
    shown = Veil(Path("/work/project")).run(run)
    hidden = dict.fromkeys(["hub_token", "password", "credentials"], "[hidden]")
    assert shown.hyperparameters["other_arguments"].value == told | hidden
    assert shown.seeds["token"] == Fact(value="[hidden]", seen="observed")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ada:pw@host.org/repo.git", "https://[hidden]@host.org/repo.git"),
        ("https://justatoken@host.org/x", "https://[hidden]@host.org/x"),
        ("postgres://u:pa/ss@db/x and u:p@ss", "postgres://[hidden]@db/x and u:p@ss"),
        ("smb://a:p@ss@host", "smb://[hidden]@host"),
        ("Authorization: Bearer abc123def", "Authorization: Bearer [hidden]"),
        ('curl -H "Bearer abc123def"', 'curl -H "Bearer [hidden]"'),
        ('{"api_key": "q w"}', '{"api_key": "[hidden]"}'),
        ("train.py --secret s --lr 1", "train.py --secret [hidden] --lr 1"),
        ("--hub-token -s --use-auth-token --lr 1", "--hub-token [hidden] --use-auth-token --lr 1"),
        ("https://x.org/f?sig=abc&v=1", "https://x.org/f?[hidden]&v=1"),
        ("https://hooks.slack.com/services/T0/B0/x", "https://hooks.slack.com/services/[hidden]"),
        (r"C:\Users\Ada\x.csv is bad", "[hidden] is bad"),
    ],
)
def test_texts_with_secrets(text: str, expected: str) -> None:
    assert Veil(Path("/work/project")).text(text) == expected


HONEST = [
    DIGEST,
    COMMIT,
    f"hub:org/name@{COMMIT}",
    f"org/name@{COMMIT}:README.MD1",
    "org/name",
    "apache-2.0",
    "GPL-2.0-only WITH Classpath-exception-2.0",
    "git+https://github.com/org/repo@main",
    "https://github.com/org/repo/blob/main/LICENSE",
    "http://host:8080/p@x",
    "tokens/s, and/or, 1/2, I/O, n / a",
    "</s> <s>/ [PAD]",
    "pad_token: [PAD], max_new_tokens=128",
    "tokenizer: bert, author: Ada, key: text",
    "google-auth==2.1, google-auth: 2.1.0, requests-oauth>=1",
    "hf_hub_download, hf-transfer, sk-learn-contrib-package, task-1234567890123456789",
    "data/root/x.csv",
    "the root user sees data of a home",
    "Permission is hereby granted, free of charge, to any person",
    "bert.encoder.layer.0.attention.self.query",
    "2026-01-01T00:00:00+00:00",
    "lr=5e-05",
    "true",
    "a:b",
    "x://",
    "./data/x.csv",
    "cosine_with_restarts",
    "README.md: license: mit",
    "the bearer of this letter",
    "ratio 0.5:0.5",
    "Data/Train2024/split/files/Part1/abcd.csv",
]


@pytest.mark.parametrize("user", ["root", "user", "data", "adam", "lora"])
@pytest.mark.parametrize("text", HONEST)
def test_honest_content_stays(text: str, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "SUDO_USER"):
        monkeypatch.setenv(name, user)
    monkeypatch.setenv("HOME", f"/home/{user}")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "disabled")
    monkeypatch.setenv("PWD", "/work/project")
    veil = Veil(Path("/work/project"))
    assert veil.text(text) == text
    run = record(text, value=[text, 1, 0.5, True, None])
    assert veil.run(run) == run


def test_a_short_number_is_not_looked_for_in_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIN_KEY", "456789")
    veil = Veil(Path("/work/project"))
    assert veil.text(DIGEST) == DIGEST
    assert veil.text("pin 456789.") == "pin [hidden]."


@pytest.mark.usefixtures("person")
def test_paths(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    outside = tmp_path / "store" / "x.csv"
    outside.parent.mkdir()
    outside.write_text("x")
    (root / "link.csv").symlink_to(outside)
    (tmp_path / "back").symlink_to(root)
    veil = Veil(root)
    cache = f"/home/adalovelace/.cache/huggingface/hub/models--org--name/snapshots/{COMMIT}/model.safetensors"
    assert veil.path(root / "data" / "x.csv") == "data/x.csv"
    assert veil.path(root) == "."
    assert veil.path(Path("data/x.csv")) == "data/x.csv"
    assert veil.path(root / "link.csv") == "link.csv"
    assert veil.path(tmp_path / "back" / "data" / "x.csv") == "data/x.csv"
    assert veil.path(Path(cache)) == f"hub:org/name@{COMMIT}/model.safetensors"
    assert veil.path(Path("/c/datasets--name/blobs/abc")) == "hub:name/blobs/abc"
    assert veil.path(root / ".venv/lib/python3.11/site-packages/torch/x.py") == "<packages>/torch/x.py"
    assert veil.path(Path("/home/adalovelace")) == veil.path(Path("/home/grace")) == "[hidden]"
    assert veil.text(f"loaded {root}/data/x.csv, then {root} too.") == "loaded data/x.csv, then . too."
    assert veil.text(f"-I{root}/inc") == "-Iinc"
    assert veil.text(f"{root}2/data") != "2/data"


@pytest.mark.usefixtures("person")
def test_a_path_outside_shows_its_name_alone_and_stays_apart_from_others() -> None:
    veil = Veil(Path("/work/project"))
    paths = [
        "/home/adalovelace/one/x.csv",
        "/home/adalovelace/two/x.csv",
        "/home/grace/one/x.csv",
        "/srv/one/x.csv",
        "../one/x.csv",
    ]
    shown = [veil.path(Path(path)) for path in paths]
    assert len(set(shown)) == len(paths)
    assert all(
        place.startswith(f"{HIDDEN} ") and place.endswith("]/x.csv") and place.count("/") == 1 for place in shown
    )
    assert (
        shown
        == [veil.text(path) for path in paths]
        == [veil.text(f"of {path}: no").split(" ", 1)[1][:-4] for path in paths]
    )
    assert veil.text("~/one/x.csv") == veil.text("file:///home/adalovelace/one/x.csv") == shown[0]
    assert veil.text("/home/adalovelace/My Documents/x.csv").endswith("]/x.csv")


def test_no_digest_depends_on_the_name_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    for name in ("adalovelace", "gracehopper"):
        monkeypatch.setenv("USER", name)
        monkeypatch.setenv("HOME", f"/home/{name}")
        veil = Veil(Path("/work/project"))
        shown.append(
            [veil.text(text.format(name)) for text in ("/home/{}/one/x.csv", "/srv/{}/x.csv", "/var/pytest-of-{}/x/y")]
        )
    assert shown[0] == shown[1]


@pytest.mark.usefixtures("person")
@pytest.mark.parametrize(
    "text",
    [
        "made by adalovelace",
        "adalovelace@host",
        "/home/adalovelace/x",
        "/srv/adalovelace/x/y.csv",
        "adalovelace_data/x",
        "../adalovelace/x.csv",
        "-I/home/adalovelace/inc",
        "PATH=/usr/bin:/home/adalovelace/bin",
        "/home/adalovelace",
        "~/adalovelace/x",
        "file:/home/adalovelace/x.csv",
    ],
)
def test_the_name_of_the_user_is_hidden(text: str) -> None:
    shown = written(Veil(Path("/work/project")).run(record(text)))
    assert "adalovelace" not in shown
    assert "/home/" not in shown


def test_the_name_of_the_host_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu-box7.lab.example")
    shown = written(Veil(Path("/work/project")).run(record("trained on gpu-box7.lab.example and gpu-box7")))
    assert "gpu-box7" not in shown


def test_a_common_name_is_hidden_where_a_users_folder_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "data")
    monkeypatch.setenv("HOME", "/home/data")
    assert Veil(Path("/work/project")).text("x/home/data/y of data") == "x/home/[hidden]/y of data"


def test_keys_that_become_the_same_stay_apart() -> None:
    told = {"hf_" + "a" * 34: 1, "hf_" + "b" * 34: 2}
    shown = Veil(Path("/work/project")).run(record(value=told)).seeds["python"].value
    assert list(shown.values()) == [1, 2]


def test_every_kind_of_secret_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    planted = {"HF_TOKEN": "plantedenv1", "DB_PASSWORD": "planted pass&word", "SSH_KEY": '-planted"quoted"\n'}
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    text = "; ".join(
        [*planted.values(), "https://ada:plantedurl@host/x.git", "--password plantedflag", "token=plantedpair"]
    )
    run = record(text, value={"nested": [{"deep": (text,)}]}, code={part: observed(text) for part in FACTS["code"]})
    shown = Veil(tmp_path).run(run)
    assert "planted" not in written(shown)
    assert written(Run.model_validate_json(written(shown))) == written(shown)
    assert (shown.exit, shown.base.role, shown.problems[0].kind) == (run.exit, run.base.role, run.problems[0].kind)


def test_words_of_the_record_itself_are_kept_even_if_they_are_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "finished")
    shown = Veil(Path("/work/project")).run(record("it finished"))
    assert (shown.exit, shown.name) == ("finished", "run it [hidden]")
