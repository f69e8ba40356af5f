"""Who signs an audit: named at its start, opened at its end, when no code of a model runs any more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from govkit import evidence
from govkit.errors import GovkitError, UsageError

_TRY = """
import json, sys
path, sys.path[:] = sys.argv[1], json.loads(sys.argv[2])
from pathlib import Path
from govkit.errors import GovkitError
from govkit.evidence import load_key
try:
    said = {"id": load_key(Path(path), sys.stdin.buffer.read()).id}
except GovkitError as error:
    said = {"error": str(error)}
print(json.dumps(said))
"""


class Signer:
    """A signing key that is not opened yet.

    Args:
        key: The key, its file, or None for a throw-away key.
        password: Passphrase of the file, or the file that holds it.
        moment: UTC time at which a throw-away key is made.

    Attributes:
        ids: Number of the key, as far as it is known before; a throw-away key has signed nothing yet.
        files: Files that hold what is secret.
        throwaway: Whether the key is made for this audit alone.

    Raises:
        UsageError: The file is none, or the passphrase is wrong: told before anything is measured. A process of its
            own tries it, so that this one holds no opened key meanwhile.
    """

    def __init__(
        self, key: Path | str | evidence.SigningKey | None, password: bytes | Path | None, moment: str
    ) -> None:
        self._key, self._password, self._moment = key, password, moment
        self.throwaway = key is None
        self.files = tuple(Path(each) for each in (key, password) if isinstance(each, Path | str))
        self.ids: tuple[str, ...] = ()
        if isinstance(key, evidence.SigningKey):
            self.ids = (key.id,)
        elif key is not None:
            self.ids = (_tried(Path(key), self._secret()),)

    def opened(self) -> evidence.SigningKey:
        """The key.

        Raises:
            UsageError: The file holds another key than at the start.
        """
        if self._key is None:
            return evidence.throwaway_key("throw-away key", as_of=self._moment)
        if isinstance(self._key, evidence.SigningKey):
            return self._key
        key = evidence.load_key(Path(self._key), self._secret())
        if key.id not in self.ids:
            raise UsageError(f"{self._key}: was another key when the audit began")
        return key

    def _secret(self) -> bytes | None:
        if not isinstance(self._password, Path):
            return self._password
        try:
            return self._password.read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise UsageError(f"{self._password}: cannot be read ({error.strerror})") from None


def _tried(path: Path, password: bytes | None) -> str:
    """Number of the key in a file, from a process that opens it and ends."""
    command = [sys.executable, "-s", "-P", "-c", _TRY, str(path), json.dumps(sys.path)]
    done = subprocess.run(command, input=password or b"", stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise GovkitError(f"{path}: the key could not be tried; its process ended with {done.returncode}")
    said = json.loads(done.stdout)
    if "error" in said:
        raise UsageError(said["error"])
    return str(said["id"])
