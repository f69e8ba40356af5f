"""A time stamp authority on this machine: OpenSSL signs, a server on the loopback address answers."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from govkit.evidence import TimestampAuthority

CONFIG = """
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[tsa]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = {purpose}
[ts]
serial = {place}/serial
signer_key = {place}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
"""

Answer = Callable[[bytes], tuple[int, dict[str, str], bytes]]
"""Body of a request -> status, headers and body of the answer."""


@dataclass(frozen=True)
class Authority:
    """A root, and a certificate for time stamps, in a folder."""

    place: Path

    @property
    def trusted(self) -> TimestampAuthority:
        return TimestampAuthority(name="Clock House", certificate=(self.place / "ca.pem").read_text())

    def reply(self, request: bytes, *, chain: bool = False, token: bool = False) -> bytes:
        """What it answers; with the root beside its own certificate if ``chain``."""
        (self.place / "request").write_bytes(request)
        more = ["-chain", "ca.pem"] if chain else []
        more += ["-token_out"] if token else []
        self.run("ts", "-reply", "-config", "config", "-section", "ts", "-queryfile", "request", "-signer", "tsa.pem",
                 *more, "-out", "reply")  # fmt: skip
        return (self.place / "reply").read_bytes()

    def answer(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "application/timestamp-reply"}, self.reply(request)

    def run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.place, check=True, capture_output=True)

    def certify(self, *, purpose: str = "critical, timeStamping", period: tuple[str, str] | None = None) -> None:
        """Make the certificate for time stamps, again with the same key if there is one."""
        (self.place / "config").write_text(CONFIG.format(place=self.place, purpose=purpose))
        dates = ["-days", "30"] if period is None else ["-not_before", period[0], "-not_after", period[1]]
        self.run("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", *dates, "-extfile", "config",
                 "-extensions", "tsa", "-out", "tsa.pem")  # fmt: skip


def found(place: Path) -> Authority:
    """A new authority."""
    place.mkdir(parents=True)
    (place / "config").write_text(CONFIG.format(place=place, purpose="critical, timeStamping"))
    (place / "serial").write_text("01\n")
    authority = Authority(place)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "config")
    authority.run("req", "-x509", *key, "-keyout", "ca.key", "-subj", "/CN=Clock Root", "-days", "60", "-extensions",
                  "ca", "-out", "ca.pem")  # fmt: skip
    authority.run("req", "-new", *key, "-keyout", "tsa.key", "-subj", "/CN=Clock House", "-out", "tsa.csr")
    authority.certify()
    return authority


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """A server on the loopback address: its URL, and ``(path, content type, body)`` of what it was asked."""
    asked: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, self.headers["Content-Type"], body))
            status, headers, content = answer(body)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(content)
            except OSError:  # whoever asked has gone
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/stamp", asked
        finally:
            server.shutdown()
            thread.join()
