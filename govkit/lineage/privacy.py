"""What may never be written down: secrets, names of users and hosts, and folders outside the run's root.

A record is signed and given away. Whatever goes into it passes the veil last, whoever put it there. The veil knows
secrets by their form, by the name that they stand under, and by what the environment and the command line hold under
such a name. It does not know a password that nothing names as one.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any, Literal, get_origin
from urllib.parse import quote

from govkit.core import Fact, Recorded, Run

HIDDEN = "[hidden"
"""How every mark begins that stands for something private."""

_MARK = f"{HIDDEN}]"
_FORMS = re.compile(
    r"""
    -----BEGIN\ [A-Z0-9\ ]+-----.*?(?:-----END\ [A-Z0-9\ ]+-----|\Z)                # PEM
    | hf_[A-Za-z0-9]{16,} | gh[pousr]_[A-Za-z0-9]{16,} | github_pat_\w{16,} | glpat-[\w-]{16,}
    | (?<![A-Za-z0-9])(?:sk|rk|pk)[-_](?=[\w-]*\d)[\w-]{16,}                        # OpenAI, Anthropic, Stripe
    | (?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])                      # AWS; the next line is its secret
    | (?<![\w+-])(?=[a-z0-9/+]*[A-Z])(?=[A-Z0-9/+]*[a-z])(?=[A-Za-z/+]*\d)[A-Za-z0-9/+]{40}(?![\w/+=-]|\.\w)
    | xox[a-z]-[\w-]{8,} | (?<=hooks\.slack\.com/services/)[\w/]+                   # Slack
    | AIza[\w-]{35} | ya29\.[\w-]{16,} | npm_[A-Za-z0-9]{30,} | pypi-[\w-]{32,}     # Google, npm, PyPI
    | (?<![\w-])eyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]* | (?<!\w)[A-Za-z]:\\\S+             # JWT; a path of Windows
    | (?<=://)(?:[^\s/]*|[^\s/@:]*:(?!\d+/)[^\s@]*)(?=@)                            # user:password@ of an address
    | (?i:(?<=[?&])(?:sig|signature|key|code|x-amz-[\w-]+)=[^\s&\#"']+ | (?<=\bbearer\s)(?=\S*\d)[\w.~+/=-]{8,})
    """,
    re.VERBOSE | re.DOTALL,
)
_WORDS = (
    r"(?:token|secret|passw(?:or)?d|passphrase|passcode|pwd|credentials?|creds|auth|authorization|cookie|dsn|webhook"
    r"|(?:api|access|secret|private|account|signing|encryption|service|client|ssh|hub|hf|openai|wandb|azure|aws)[_-]?key)"
)
_NAMED = re.compile(rf"(?i)(?<!(?:pad|eos|bos|unk|sep|cls|max|min|new).)(?<!mask.)(?<!image.){_WORDS}$")
_PAIR = re.compile(
    rf"(?i)(?<![\w.-])((-)?[\w.-]*{_WORDS})(['\"]?\s*(?:=(?!=)|:)\s*(?:bearer\s+|basic\s+)?|(?(2)\s+(?!--)|(?!)))"
    r"""("[^"]*"|'[^']*'|[^\s&,;'"]+)"""
)
_VARIABLE = re.compile(
    r"(?i)token(?!iz)|secret|pass(?:w|phrase|code)|(?<!old)(?<!^)pwd|cred|key|auth(?!or)|cookie|dsn|webhook|private"
)
_OPTION = re.compile(
    r"(?i)-[pku]|[+~]*(?:.*[_.-])?(?:(?<!(?:num|max|min|one|two).)(?<![_-]n.)(?:((?:db|user|root|my)?pass(?:word)?\d*|pw|pat"
    r"|creds?|bearer|\w*passkey)|login|user(?:[_-]?(?:name|id))?|(?<!(?:text|sort|data).)(?<!(?:image|label|input|group).)"
    r"(?<!(?:output|column|target|prompt).)key))"
)
"""Options that may hold a secret, beside those that are named so; the group is what holds nothing else."""
_HARMLESS = re.compile(
    r"(?i)true|false|none|null|yes|no|sha256:[0-9a-f]{64}|\d+(?:\.\d+)+(?:\.?(?:a|b|rc|post|dev)\d+)?(?:\+\w+)?"
)
"""What is no secret under any name: a truth, a digest, a version."""
_COMMON = re.compile(
    r"(?i)root|users?|data|admin|ubuntu|debian|runner|home|test|train|models?|main|work(?:er|space)?|python|node|build|base"
    r"|guest|jovyan|vscode|docker|nobody|local(?:host)?|host|server|sandbox|default|hidden|apache|adamw?|lion|bert|lora|torch"
)
"""Names of users and hosts that are words of a record too: they are hidden only where a user's folder stands."""
_HUB = re.compile(r".*/(?:models|datasets|spaces)--([^/]+)/(?:snapshots/([^/]+)|(blobs|refs))(/.*)?$")
_PACKAGES = re.compile(r".*/(?:site|dist)-packages(?=/|$)")


class Veil:
    """Hides what is private from everything that goes into a record; the same text always becomes the same.

    Args:
        root: Folder in which the run was started: paths beneath it are shown relative to it.
    """

    def __init__(self, root: Path) -> None:
        self._roots = [place for place in dict.fromkeys((root.absolute(), root.resolve())) if len(place.parts) > 1]
        self._base, self._home = root.absolute(), Path(os.environ.get("HOME", "/"))
        people = _people(self._home)
        rare = [name for name in people if len(name) > 3 and not _COMMON.fullmatch(name)]
        self._people = re.compile(
            rf"(?:(?<![A-Za-z0-9])(?:{_any(rare)})|(?<=home/|sers/|t-of-)(?:{_any(people)}))(?![A-Za-z0-9])"
        )
        known = [str(place) for place in (*self._roots, self._home) if len(place.parts) > 1]
        self._paths = re.compile(
            rf"(?:(?<![a-z0-9_./~<>\]-])(?:{_any(known)})(?![\w-])"
            r"|(?<![\w./~<>\]-])(?:file:/+|/(?=[^\s/]{3}|[^\s/]+/)|~/|(?:\.\./)+))[^\s'\"<>|*?,;:()\[\]{}=`]*(?<![.!])"
        )
        self._values: set[str] = set()
        self._learn()

    def _learn(self) -> None:
        """Take in the secrets that environment and command line hold by now; none is forgotten."""
        for value in _values():
            # As it is, in an address, and in JSON.
            written = {value, value.strip(), quote(value, safe="", errors="surrogateescape"), json.dumps(value)[1:-1]}
            self._values |= {each for each in written if len(each) >= 6 and not _HARMLESS.fullmatch(each)}
        # A short number is found in digests by chance.
        short = {value for value in self._values if re.fullmatch(r"[0-9a-f]{1,11}", value)}
        self._secrets = re.compile(rf"{_any(self._values - short)}|(?<![0-9a-f])(?:{_any(short)})(?![0-9a-f])")

    def run(self, run: Run) -> Run:
        """The record without anything private in it."""
        self._learn()
        shown: Run = self._value(run)
        return shown

    def text(self, text: str) -> str:
        """A text without secrets, names and private folders; honest text stays as it is."""
        shown = self._hide(text)
        # A text that is one path can have spaces in it; in a sentence a path ends at the first.
        if shown == text and re.match(r"~?/[^:\n]+/[^:\n]*$", text) and " /" not in text:
            return self.path(PurePath(text))
        return self._people.sub(_MARK, self._paths.sub(lambda match: self._place(match[0]), shown))

    def path(self, path: PurePath) -> str:
        """A path as a record may show it.

        Beneath the root it is relative to it; in the cache of a hub it is ``hub:ORG/NAME@COMMIT/file``; beside
        installed packages ``<packages>/...``; elsewhere only the name of the file, after a digest of its folder that
        keeps apart files of one name.
        """
        return self._people.sub(_MARK, self._hide(self._place(str(path))))

    def arguments(self, arguments: Sequence[str]) -> list[str]:
        """Arguments of a command without what follows ``--token``, ``--user``, ``-p`` and their like."""
        shown: list[str] = []
        secret = False
        for argument in arguments:
            name, equals, value = argument.partition("=")
            private = _OPTION.fullmatch(name) or (name.startswith("-") and _secret(name))
            if secret and not argument.startswith("--"):
                shown.append(_MARK)
            elif equals and (private or name.startswith("-")):
                shown.append(f"{self.text(name)}={_MARK if private else self.text(value)}")
            else:
                shown.append(self.text(argument))
            secret = bool(private) and not equals and name.startswith("-")
        return shown

    def _hide(self, text: str) -> str:
        # A name that is no UTF-8 holds signs that nothing can write.
        text = self._secrets.sub(_MARK, text).encode("utf-8", "backslashreplace").decode()
        return _PAIR.sub(_covered_pair, _FORMS.sub(_MARK, text))

    def _place(self, text: str) -> str:
        text = re.sub(r"^file:/+", "/", text)
        text = f"{self._home}{text[1:]}" if text.startswith("~/") else text
        path = os.path.normpath(self._base / text)
        if hub := _HUB.match(path):
            return f"hub:{hub[1].replace('--', '/')}{f'@{hub[2]}' if hub[2] else f'/{hub[3]}'}{hub[4] or ''}"
        if packages := _PACKAGES.match(path):
            return f"<packages>{path[packages.end() :]}"
        for seen in (str, os.path.realpath):
            place = Path(seen(path))
            for root in self._roots:
                if place.is_relative_to(root):
                    return place.relative_to(root).as_posix()
        folder, name = Path(path).parent, Path(path).name
        if Path(path) == self._home or folder.name in ("home", "Users"):
            return _MARK
        # The name of the user goes into no digest: whoever guessed it could see that it is right.
        if folder.is_relative_to(self._home):
            folder = "~" / folder.relative_to(self._home)
        return f"{HIDDEN} {sha256(os.fsencode(self._people.sub(_MARK, str(folder)))).hexdigest()[:8]}]/{name}"

    def _value(self, value: Any) -> Any:
        if isinstance(value, Recorded):
            fields = type(value).model_fields.items()
            names = [name for name, field in fields if get_origin(field.annotation) is not Literal]
            return value.model_copy(update={name: self._value(getattr(value, name)) for name in names})
        if isinstance(value, dict):
            shown: dict[Any, Any] = {}
            for name, each in value.items():
                key = self._value(name)
                secret = isinstance(name, str) and _secret(name)
                shown[f"{key} {len(shown)}" if key in shown else key] = self._value(_covered(each) if secret else each)
            return shown
        if isinstance(value, list | tuple):
            texts = all(isinstance(each, str) for each in value)
            return type(value)(self.arguments(value) if texts else [self._value(each) for each in value])
        if isinstance(value, PurePath):
            return self.path(value)
        return self.text(value) if isinstance(value, str) else value


def _covered(value: Any) -> Any:
    """What stands under the name of a secret."""
    if isinstance(value, Fact):
        return value.model_copy(update={"value": _covered(value.value)})
    return value if value is None or _HARMLESS.fullmatch(str(value)) else _MARK


def _covered_pair(match: re.Match[str]) -> str:
    bare = match[4].strip("\"'")
    secret = bare and _secret(match[1]) and not _HARMLESS.fullmatch(bare)
    return match[0].removesuffix(match[4]) + match[4].replace(bare, _MARK) if secret else match[0]


def _secret(name: str) -> bool:
    """Whether a name is that of a secret; the padding token of a tokenizer is none."""
    return _NAMED.search(name) is not None


def _values() -> Iterator[str]:
    """Secrets of the environment and of the command line of this process."""
    for name, value in os.environ.items():
        # A variable with the folder of the keys holds no key.
        if _VARIABLE.search(name) and not (value.startswith("/") and Path(value).exists()):
            yield value
    for argument, following in pairwise([*sys.argv, ""]):
        name, equals, value = argument.partition("=")
        if name.startswith("-") and (_secret(name) or ((option := _OPTION.fullmatch(name)) and option[1])):
            yield value if equals else following


def _any(texts: Iterable[str]) -> str:
    """A pattern for any of these texts, the longest first."""
    return "|".join(map(re.escape, sorted(texts, key=lambda text: (-len(text), text)))) or "(?!)"


def _people(home: Path) -> set[str]:
    """Names of the user and of the host, as far as the system tells."""
    names = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER", "HOSTNAME")} | {socket.gethostname()}
    with suppress(KeyError):  # A container can run as a user that its system does not know.
        names.add(pwd.getpwuid(os.getuid()).pw_name)
    names |= {home.name} if home.parent.name in ("home", "Users") else set()
    return {part for name in names for part in (name, name.partition(".")[0]) if len(part) > 1}
