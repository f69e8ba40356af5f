"""No test reaches another machine: proven, not promised."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest


def test_connections_to_other_machines_are_refused():
    with pytest.raises(OSError, match="may not reach"), socket.socket() as outside:
        outside.connect(("192.0.2.1", 80))


def test_names_are_not_looked_up():
    with pytest.raises(OSError, match="may not look up"):
        socket.getaddrinfo("example.org", 443)


def test_loopback_works():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_children_are_refused_too():
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "may not" in done.stderr
