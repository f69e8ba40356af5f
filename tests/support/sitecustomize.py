"""Refuses every connection that leaves this machine, in the test process and in the Python children it starts."""

from __future__ import annotations

import ipaddress
import socket

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex
_getaddrinfo = socket.getaddrinfo


class NetworkRefused(OSError):
    """The suite tried to reach another machine."""


def _is_local(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if not isinstance(host, str) or host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse_unless_local(family: int, address: object) -> None:
    if family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and not _is_local(address[0]):
        raise NetworkRefused(f"tests may not reach {address[0]}")


def connect(self: socket.socket, address: object) -> None:
    _refuse_unless_local(self.family, address)
    _connect(self, address)


def connect_ex(self: socket.socket, address: object) -> int:
    _refuse_unless_local(self.family, address)
    return _connect_ex(self, address)


def getaddrinfo(host: object, *args: object, **kwargs: object) -> object:
    if not _is_local(host):
        raise NetworkRefused(f"tests may not look up {host!r}")
    return _getaddrinfo(host, *args, **kwargs)


socket.socket.connect = connect
socket.socket.connect_ex = connect_ex
socket.getaddrinfo = getaddrinfo
