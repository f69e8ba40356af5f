"""A small model of what GitHub does: reads commands out of a step's output, and runs the steps of a composite action.

Read after actions/runner, ``src/Runner.Common/ActionCommand.cs`` and ``ActionCommandManager``.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KNOWN = {"error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "set-output", "stop-commands"}
_HOLE = re.compile(r"\$\{\{ ([\w.-]+) \}\}")
_NAME = re.compile(r"'[^']*'|[a-z]+(?:\.[\w-]+)+")


@dataclass(frozen=True)
class Command:
    name: str
    properties: dict[str, str]
    message: str


def commands(output: str) -> list[Command]:
    """The commands that the runner obeys, in order."""
    found, stopped_by = [], None
    for line in output.splitlines():
        match = re.match(r"\s*::([\w-]+)(?: (.*?))?::(.*)", line)
        if stopped_by is not None:
            stopped_by = None if match and match[1] == stopped_by else stopped_by
        elif match and match[1] == "stop-commands":
            stopped_by = match[3]
        elif match and match[1] in KNOWN:
            pairs = (pair.split("=", 1) for pair in (match[2] or "").split(",") if "=" in pair)
            found.append(Command(match[1], {name: _read(value) for name, value in pairs}, _read(match[3])))
    assert stopped_by is None, "commands stay stopped"
    return found


def _read(text: str) -> str:
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, sign)
    return text


@dataclass
class Job:
    """A job that uses a composite action.

    Attributes:
        steps: The steps of the action.
        folder: The workspace.
        path: ``PATH`` of the steps.
        context: ``inputs.out`` and the like.
        done: Id of a step -> what it printed and its exit code; of a step of another action what it was given.
    """

    steps: list[dict[str, Any]]
    folder: Path
    path: str
    context: dict[str, str]
    done: dict[str, Any] = field(default_factory=dict)

    @property
    def page(self) -> str:
        page = self.folder / "page.md"
        return page.read_text(encoding="utf-8") if page.exists() else ""

    def run(self, *, without: tuple[str, ...]) -> int:
        """Run the steps but those with these ids; a step that fails ends the job with its code."""
        for step in self.steps:
            if step.get("id") in without or not self._wanted(step.get("if", "true")):
                continue
            if "uses" in step:
                self.done[step["uses"]] = {name: self._filled(str(value)) for name, value in step["with"].items()}
                continue
            assert step["shell"] == "bash"
            code = self._bash(step)
            if code and not step.get("continue-on-error"):
                return code
        return 0

    def _bash(self, step: dict[str, Any]) -> int:
        output = self.folder / "output.txt"
        output.write_text("", encoding="utf-8")
        script = self.folder / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.folder, capture_output=True, text=True, check=False,
            env={
                "PATH": self.path, "HOME": str(self.folder), "LANG": "C.UTF-8", "GITHUB_ACTIONS": "true",
                "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(self.folder / "page.md"),
                "RUNNER_TEMP": str(self.folder), **{k: self._filled(v) for k, v in step.get("env", {}).items()},
            },
        )  # fmt: skip
        for line in output.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            self.context[f"steps.{step['id']}.outputs.{name}"] = value
        self.done[step["id"]] = done
        return done.returncode

    def _filled(self, text: str) -> str:
        return _HOLE.sub(lambda match: self.context.get(match[1], ""), text)

    def _wanted(self, condition: str) -> bool:
        inner = condition.removeprefix("${{ ").removesuffix(" }}").replace("&&", " and ")
        named = _NAME.sub(lambda m: m[0] if m[0][0] == "'" else repr(self.context.get(m[0], "")), inner)
        return bool(eval(named, {"true": True}))  # noqa: S307 — conditions of our own action
