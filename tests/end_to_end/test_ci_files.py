"""The files that other projects' pipelines use: valid by public schemas, and run as their services would run them."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from actions_runner import Job, commands
from jsonschema import Draft7Validator
from public_schemas import vendored

import govkit as gk

pytest_plugins = ["pytester"]

ROOT = Path(gk.__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
GITLAB = yaml.safe_load((ROOT / ".ci" / "gitlab.yml").read_text(encoding="utf-8"))
HOOKS = ROOT / ".pre-commit-hooks.yaml"
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
AUDIT = """\
schema: govkit.audit/v1
name: "Letters ::error::x"
subject: {predictions: rows.csv}
columns: {label: label, score: score, base_score: base, incumbent_score: old, id: id}
"""
POLICY = """\
schema: govkit.policy/v1
id: small
version: 1.0.0
controls:
  - id: A
    title: "Right at least {limit} of the time $(touch hacked) ::error::y"
    rmf: [MEASURE 2.3]
    check: performance
    metric: accuracy
    require: {{min: {limit}}}
    authority: {{level: none, note: ours}}
    severity: high
    advice: "Tune it again."
"""
SHADOW = """\
import os, pathlib
pathlib.Path("hacked").touch()
with open(os.environ["GITHUB_OUTPUT"], "a") as file:
    file.write("exit-code=0\\n")
"""
GH = """\
#!/bin/sh
printf '%s\\n' "$@" >> gh.log
case "$*" in *--paginate*) printf '%s' "$(cat found.txt 2>/dev/null)" ;; esac
"""


def workspace(folder: Path) -> Path:
    """A project with an audit file, two policies, and a stand-in for GitHub's own program."""
    rng = np.random.default_rng(0)
    score = rng.uniform(size=150).round(4)
    rows = pd.DataFrame({"id": range(150), "label": (rng.uniform(size=150) < score).astype(int), "score": score})
    rows["base"], rows["old"] = (score * 0.9).round(4), (1 - score).round(4)
    rows.to_csv(folder / "rows.csv", index=False)
    (folder / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    for name, limit in (("easy", 0.01), ("hard", 0.999)):
        (folder / f"{name}.yaml").write_text(POLICY.format(limit=limit), encoding="utf-8")
    (folder / "bin").mkdir()
    (folder / "bin" / "gh").write_text(GH, encoding="utf-8")
    (folder / "bin" / "gh").chmod(0o755)
    return folder


def job(folder: Path, **inputs: str) -> Job:
    defaults = {name.replace("-", "_"): each["default"] for name, each in ACTION["inputs"].items()}
    given = {f"inputs.{name.replace('_', '-')}": value for name, value in {**defaults, **inputs}.items()}
    context = {**given, "github.event.pull_request.number": "7", "github.repository": "a/b", "github.token": "t"}
    return Job(ACTION["runs"]["steps"], folder, os.pathsep.join([str(folder / "bin"), PATH]), context)


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, int]:
    """A job whose gate blocks, with every name hostile to a shell, and a comment that was there before."""
    folder = workspace(tmp_path_factory.mktemp("blocked"))
    out = "out $(touch hacked) 'x' \";touch hacked"
    (folder / "found.txt").write_text("11\n12\n", encoding="utf-8")
    for name in ("json", "pip"):
        (folder / f"{name}.py").write_text(SHADOW, encoding="utf-8")
    (folder / "-p.yaml").write_text((folder / "hard.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    made = job(folder, policy="-p.yaml", out=out, comment="true")
    return made, made.run(without=("install",))


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, int]:
    made = job(workspace(tmp_path_factory.mktemp("evaluated")), policy="hard.yaml", evaluate="true", comment="true")
    return made, made.run(without=("install",))


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = workspace(tmp_path_factory.mktemp("passed"))
    return folder, gitlab(folder, GOVKIT_POLICY="easy.yaml")


def gitlab(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    given = {name: str(value) for name, value in GITLAB["variables"].items()}
    return subprocess.run(
        ["sh", "-e", "-c", "\n".join(GITLAB["govkit"]["script"])],
        cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": PATH, "HOME": str(folder), "LANG": "C.UTF-8", **given, **variables},
    )  # fmt: skip


# GitHub


def test_the_action_is_valid_by_the_public_schema():
    schema = vendored("github-actions")
    assert list(Draft7Validator(schema).iter_errors(ACTION)) == []
    assert list(Draft7Validator(schema).iter_errors({**ACTION, "runs": {"using": "composite"}})), "it can fail"


def test_no_file_of_the_repository_takes_the_place_of_a_module():
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    calls = re.findall(r"\bpython (\S+)", "\n".join([*scripts, *GITLAB["govkit"]["before_script"]]))
    assert calls == ["-P", "-P", "-P"]


def test_no_expression_reaches_a_shell():
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert len(scripts) == 4
    assert not [script for script in scripts if "${{" in script]


def test_the_action_blocks_and_shows_why(blocked: tuple[Job, int]):
    made, code = blocked
    assert code == 1
    assert made.context["steps.audit.outputs.outcome"] == "BLOCK"
    assert made.context["steps.audit.outputs.exit-code"] == "1"
    found = commands(made.done["audit"].stdout)
    assert [each.name for each in found] == ["error"]
    assert found[0].properties == {"title": "govkit A: fail, severity high"}
    assert "$(touch hacked) ::error::y" in found[0].message
    assert made.page.startswith("## Letters")
    assert made.page.count("### Open points") == 1


def test_no_input_of_the_action_is_run(blocked: tuple[Job, int]):
    made, _ = blocked
    assert not (made.folder / "hacked").exists()
    assert Path(made.context["inputs.out"]).name in {path.name for path in made.folder.iterdir()}, "the name was taken"


def test_the_action_keeps_the_bundle_and_the_rulings(blocked: tuple[Job, int]):
    made, _ = blocked
    kept = made.done["actions/upload-artifact@v6"]
    assert re.fullmatch(r"govkit-[0-9a-f]{12}", kept["name"])
    assert [made.folder / path for path in kept["path"].splitlines() if not (made.folder / path).exists()] == []
    shown = made.done["github/codeql-action/upload-sarif@v4"]["sarif_file"]
    assert json.loads((made.folder / shown).read_bytes())["version"] == "2.1.0"


def test_the_comment_is_renewed_where_there_is_one_and_else_made(blocked: tuple[Job, int], evaluated: tuple[Job, int]):
    renewed = (blocked[0].folder / "gh.log").read_text(encoding="utf-8").splitlines()
    assert "repos/a/b/issues/comments/11" in renewed
    assert "PATCH" in renewed
    new = (evaluated[0].folder / "gh.log").read_text(encoding="utf-8").splitlines()
    assert new[-5:-1] == ["POST", "repos/a/b/issues/7/comments", "-F", f"body=@{evaluated[0].folder}/govkit-comment.md"]
    body = (evaluated[0].folder / "govkit-comment.md").read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"<!-- govkit [0-9a-f]{16} -->", body[0])
    assert body[1].startswith("**BLOCK, NOT ENFORCED**")
    assert body[2].startswith("- Better than the model in service, beyond chance: accuracy")
    assert len(body) == 6


def test_evaluating_lets_the_job_go_on_and_says_so(evaluated: tuple[Job, int]):
    made, code = evaluated
    assert code == 0
    assert made.context["steps.audit.outputs.outcome"] == "BLOCK"
    assert made.context["steps.audit.outputs.exit-code"] == "0"
    (found,) = commands(made.done["audit"].stdout)
    assert found.properties["title"].endswith("(not enforced)")


def test_bad_input_fails_the_job_and_publishes_nothing(tmp_path: Path):
    made = job(workspace(tmp_path), audit_file="none.yaml", comment="true")
    assert made.run(without=("install",)) == 2
    assert set(made.done) == {"actions/setup-python@v6", "audit", "gate"}
    assert "none.yaml" in made.done["audit"].stderr


# GitLab


def test_the_template_is_valid_by_the_public_schema():
    schema = vendored("gitlab-ci")
    assert list(Draft7Validator(schema).iter_errors(GITLAB)) == []
    assert list(Draft7Validator(schema).iter_errors({**GITLAB, "govkit": {"script": 1}})), "it can fail"


def test_the_job_passes_and_hands_on_what_it_made(passed: tuple[Path, subprocess.CompletedProcess[str]]):
    folder, done = passed
    assert done.returncode == 0, done.stderr
    assert "::" not in re.sub(r"::error::[xy]", "", done.stdout), "commands are for GitHub"
    kept = GITLAB["govkit"]["artifacts"]
    for path in (*kept["paths"], kept["reports"]["junit"]):
        assert (folder / path.replace("$GOVKIT_OUT", "evidence")).exists(), path


def test_the_job_says_what_is_wrong_and_installs_nothing_unnamed(tmp_path: Path):
    done = gitlab(workspace(tmp_path), GOVKIT_AUDIT_FILE="$(touch hacked).yaml")
    assert done.returncode == 2
    assert not (tmp_path / "hacked").exists()
    unnamed = subprocess.run(["sh", "-ec", GITLAB["govkit"]["before_script"][0]], capture_output=True, check=False)
    assert unnamed.returncode != 0


# pre-commit


def test_the_hook_is_valid_by_the_word_of_pre_commit(tmp_path: Path):
    def validate(path: Path) -> int:
        return subprocess.run([sys.executable, "-m", "pre_commit", "validate-manifest", str(path)], check=False,
                              stdout=subprocess.DEVNULL).returncode  # fmt: skip

    assert validate(HOOKS) == 0
    (tmp_path / "bad.yaml").write_text("- id: x\n", encoding="utf-8")
    assert validate(tmp_path / "bad.yaml") == 1


def test_the_hook_lints_each_policy_that_it_is_given(tmp_path: Path):
    (hook,) = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    wanted = ("policies/a.yaml", "team/policies/b.yml", "my-policy.yaml", "x/policy.yml")
    assert [name for name in wanted if not re.search(hook["files"], name)] == []
    assert [n for n in ("policies/standards/x.yaml", "audit.yaml", "policy.py") if re.search(hook["files"], n)] == []
    workspace(tmp_path)
    (tmp_path / "bad.yaml").write_text(POLICY.format(limit=0.5).replace("MEASURE 2.3", "MEASURE 9.9"), encoding="utf-8")

    def lint(*names: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*hook["entry"].split(), *names], cwd=tmp_path, capture_output=True, text=True,
                              check=False, env={**os.environ, "PATH": PATH})  # fmt: skip

    assert lint("easy.yaml", "hard.yaml").returncode == 0
    found = lint("easy.yaml", "bad.yaml")
    assert found.returncode == 1
    assert "bad.yaml:" in found.stdout
    assert "MEASURE 9.9" in found.stdout


# Python and pytest


def _bundle(made: Job) -> Path:
    return made.folder / made.context["inputs.out"]


def test_a_verdict_can_be_raised_and_asserted(blocked: tuple[Job, int], passed: Any):
    bundle = gk.read_bundle(_bundle(blocked[0]))
    with pytest.raises(gk.VerdictError, match="BLOCK: A fail: Right at least") as caught:
        bundle.raise_for_verdict()
    assert (caught.value.outcome, caught.value.exit_code) == ("BLOCK", 1)
    with pytest.raises(AssertionError, match="BLOCK: This model must not go into service"):
        gk.assert_policy(bundle)
    good = gk.read_bundle(passed[0] / "evidence")
    good.raise_for_verdict()
    gk.assert_policy(good)
    gk.assert_policy(str(good.path), policy=str(passed[0] / "easy.yaml"))


def test_a_verdict_that_was_written_by_hand_is_no_pass(blocked: tuple[Job, int], tmp_path: Path):
    folder = tmp_path / "e"
    shutil.copytree(_bundle(blocked[0]), folder)
    file = folder / "verdict.sigstore.json"
    statement = json.loads(file.read_text(encoding="utf-8"))
    payload = json.loads(base64.b64decode(statement["dsseEnvelope"]["payload"]))
    payload["predicate"]["verdict"]["outcome"] = "PASS"
    statement["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    file.write_text(json.dumps(statement), encoding="utf-8")
    with pytest.raises(AssertionError, match="says PASS, and judging its findings by its policy again gives BLOCK"):
        gk.assert_policy(folder)


def test_what_was_only_evaluated_is_raised_all_the_same(evaluated: tuple[Job, int]):
    bundle = gk.read_bundle(_bundle(evaluated[0]))
    assert not bundle.verdict.enforced
    assert bundle.verdict.exit_code == 0
    with pytest.raises(gk.VerdictError):
        bundle.raise_for_verdict()
    with pytest.raises(AssertionError):
        gk.assert_policy(bundle)


def test_a_review_is_raised_with_its_own_code(passed: Any):
    good = gk.read_bundle(passed[0] / "evidence")
    review = gk.Bundle(
        good.path, good.verdict.model_copy(update={"outcome": "REVIEW"}), good.findings, good.run, good.passes
    )
    with pytest.raises(gk.VerdictError) as caught:
        review.raise_for_verdict()
    assert caught.value.exit_code == 3


def test_another_policy_than_the_one_judged_by_is_no_pass(passed: Any):
    with pytest.raises(AssertionError, match=r"judged by small 1\.0\.0, not by"):
        gk.assert_policy(passed[0] / "evidence", policy=str(passed[0] / "hard.yaml"))


def test_a_failing_test_tells_what_was_asked_and_seen_and_what_to_do(
    blocked: tuple[Job, int], passed: Any, pytester: pytest.Pytester
):
    pytester.makepyfile(
        f"def test_good(assert_policy): assert_policy({str(passed[0] / 'evidence')!r})\n"
        f"def test_bad(assert_policy): assert_policy({str(_bundle(blocked[0]))!r})\n"
    )
    told = pytester.runpytest_subprocess("-p", "govkit.testing")
    told.assert_outcomes(passed=1, failed=1)
    told.stdout.fnmatch_lines(
        [
            ">*assert_policy(*",
            "E*AssertionError: BLOCK: This model must not go into service. (small 1.0.0)",
            "E*A ✕ fail, severity high: Right at least 0.999*",
            "E*asked: accuracy of this model, test rows: at least 0.999",
            "E*seen:  The share of right answers is*",
            "E*to do: Tune it again.",
        ]
    )
    assert "asserting.py" not in "\n".join(told.outlines[:-3]), "the test's own line is shown, not ours"


def test_the_plug_in_loads_nothing_before_it_is_asked():
    code = "import sys, govkit.testing; print([n for n in sys.modules if 'govkit.' in n], 'pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['govkit.testing'] False"


# The page


PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_snippets_of_the_page_are_valid(tmp_path: Path):
    github, gitlab_, hooks = snippets("yaml")
    # YAML 1.1 reads the key `on` as a truth.
    workflow = {("on" if key is True else key): value for key, value in yaml.safe_load(github).items()}
    assert list(Draft7Validator(vendored("github-workflows")).iter_errors(workflow)) == []
    (step,) = [each for each in workflow["jobs"]["audit"]["steps"] if "govkit" in each["uses"]]
    assert set(step["with"]) <= set(ACTION["inputs"])
    included = yaml.safe_load(gitlab_)
    assert list(Draft7Validator(vendored("gitlab-ci")).iter_errors(included)) == []
    assert (ROOT / included["include"][0]["file"]).is_file()
    assert set(included["variables"]) <= set(GITLAB["variables"])
    (tmp_path / "config.yaml").write_text(hooks, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "pre_commit", "validate-config", str(tmp_path / "config.yaml")],
                          check=False)  # fmt: skip
    assert done.returncode == 0
    (hook,) = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    assert yaml.safe_load(hooks)["repos"][0]["hooks"] == [{"id": hook["id"]}]


def test_the_page_names_every_input_and_variable():
    for name in (*ACTION["inputs"], *ACTION["outputs"], *GITLAB["variables"]):
        assert f"`{name}`" in PAGE or f"{name}:" in PAGE, name


def test_the_test_of_the_page_fails_where_the_model_is_blocked(blocked: tuple[Job, int], pytester: pytest.Pytester):
    (code,) = snippets("python")
    pytester.makepyfile(code.replace('"evidence"', repr(str(_bundle(blocked[0])))))
    pytester.runpytest_subprocess().assert_outcomes(failed=1)


def test_the_shell_of_the_page_ends_with_the_code_of_the_gate(tmp_path: Path):
    (script,) = snippets("sh")
    workspace(tmp_path)
    (tmp_path / "hard.yaml").rename(tmp_path / "policy.yaml")
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
                          env={**os.environ, "PATH": PATH})  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.splitlines()[-5].startswith("**BLOCK**")
