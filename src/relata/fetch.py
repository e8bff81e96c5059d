"""Pictures from addresses on the web: off unless the user names the hosts, and then never from inside a network.

    fetch = partial(relata.fetch.get, hosts=frozenset({"images.cocodataset.org"}))
    data = relata.images.read("http://images.cocodataset.org/val2017/000000000139.jpg", None, fetch=fetch)

Data are written by others, and whoever fetches what they say can be sent to the machines behind a firewall: to cloud
metadata, to printers, to itself. So a host is looked up once, every address it has must be public, the connection goes
to the address that was checked and not to one looked up later, and every redirect is checked as the first address was.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from relata.errors import Unsafe

#: (host, port) -> the addresses that the host has.
Resolve = Callable[[str, int], list[str]]
#: (address, port), seconds -> a connection.
Connect = Callable[[tuple[str, int], float], socket.socket]

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)
_REDIRECTS = {301, 302, 303, 307, 308}
#: Networks that the standard library counts as public, and that lead into somebody's own: protocol assignments with one
#: cloud's metadata, relays into other networks, and the address at which another cloud serves its virtual machines.
_INNER = [ipaddress.ip_network(net) for net in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")]
#: Within 2000::/3: Teredo and other protocols, 6to4, and examples in documents.
_INNER_6 = [ipaddress.ip_network(net) for net in ("2001::/23", "2002::/16", "2001:db8::/32", "3fff::/20")]
_GLOBAL_6 = ipaddress.ip_network("2000::/3")


class Rules(NamedTuple):
    """What a fetch may take."""

    bytes: int = 64 << 20
    seconds: float = 30.0
    """From the first connection to the last byte, redirects included; looking up hosts is not counted."""
    redirects: int = 3


RULES = Rules()


def public(address: str) -> bool:
    """Whether an address belongs to the public internet, and is no way into another network.

    IPv6 addresses that hold one of IPv4 (mapped, NAT64, 6to4, Teredo) are not public, whatever they hold.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if not found.is_global or found.is_multicast or found.is_reserved:
        return False
    if found.version == 6 and found not in _GLOBAL_6:
        return False
    return not any(found in net for net in (_INNER if found.version == 4 else _INNER_6))


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system looks them up."""
    return list(dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def get(
    url: str,
    hosts: frozenset[str],
    rules: Rules = RULES,
    resolve: Resolve = addresses,
    connect: Connect = socket.create_connection,
) -> bytes:
    """What stands at an address on one of `hosts`. The caller checks what it is, as `relata.images.read` does.

    Args:
        hosts: names that may be asked, as `example.org`, or `example.org:8443` for another port than the usual one.

    Raises:
        Unsafe: `bad-address`, `host-not-allowed`, `not-public`, `too-many-redirects`, `too-many-bytes`, `too-slow`,
            or `no-file` if the host does not answer, or with anything else than a file.
    """
    deadline = time.monotonic() + rules.seconds
    for _ in range(rules.redirects + 1):
        secure, host, port, target = _parts(url, hosts)
        pinned = _pinned(host, port, resolve)
        following, data = _ask(secure, host, port, target, pinned, rules.bytes, deadline, connect)
        if following is None:
            return data
        try:
            url = urljoin(url, following)
        except ValueError as error:
            raise Unsafe("bad-address", f"is redirected to {following[:120]!r}, which is no address") from error
    raise Unsafe("too-many-redirects", f"is redirected more than {rules.redirects} times")


def _parts(url: str, hosts: frozenset[str]) -> tuple[bool, str, int, str]:
    """Whether an address is https, its host, its port, and its path with the query."""
    shown = repr(url[:120])
    # one spelling only: readers of addresses disagree on blanks, backslashes, users and letters beyond ASCII
    if not url.isascii() or not url.isprintable() or re.search(r"[\s\\]", url):
        raise Unsafe("bad-address", f"{shown} has characters that an address may not have")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Unsafe("bad-address", f"{shown} is no address ({error})") from error
    if parts.scheme not in _PORTS:
        raise Unsafe("bad-address", f"{shown} is no http or https address")
    host = parts.hostname or ""
    if "@" in parts.netloc or not _HOST.fullmatch(host):
        raise Unsafe("bad-address", f"{shown} names no plain host")
    usual = _PORTS[parts.scheme]
    port = usual if port is None else port
    if (host if port == usual else f"{host}:{port}") not in hosts:
        raise Unsafe("host-not-allowed", f"{shown} is on no host that may be asked; allow it, or save the file")
    return parts.scheme == "https", host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _pinned(host: str, port: int, resolve: Resolve) -> str:
    """The address to connect to."""
    try:
        found = resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise Unsafe("no-file", f"host {host} cannot be looked up ({error})") from error
    inner = [address for address in found if not public(address)]
    if inner or not found:
        raise Unsafe("not-public", f"host {host} has the address {inner[0] if inner else 'none'}, which is not public")
    return found[0]


def _ask(
    secure: bool, host: str, port: int, target: str, pinned: str, most: int, deadline: float, connect: Connect
) -> tuple[str | None, bytes]:
    """Where the host redirects to, or the file that it sends."""
    late = threading.Event()
    watch: threading.Timer | None = None
    client = http.client.HTTPConnection(host, port)  # its name goes into the request, and it never connects by itself
    try:
        line = connect((pinned, port), max(deadline - time.monotonic(), 0.001))
        client.sock = line
        if secure:
            line = ssl.create_default_context().wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)
            client.sock = line
        # a timeout of the socket begins again with every byte, so a slow host could hold the line for ever
        watch = threading.Timer(max(deadline - time.monotonic(), 0), _hang_up, (line, late))
        watch.daemon = True
        watch.start()
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        client.putrequest("GET", target, skip_accept_encoding=True)
        client.putheader("Accept-Encoding", "identity")
        client.putheader("User-Agent", "relata")
        client.putheader("Connection", "close")
        client.endheaders()
        with client.getresponse() as response:
            return _answer(response, host, most, late)
    except Unsafe:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise Unsafe("too-slow", f"host {host} takes too long") from error
        raise Unsafe("no-file", f"host {host} gives no answer ({type(error).__name__}: {error})") from error
    finally:
        if watch:
            watch.cancel()
        client.close()


def _hang_up(line: socket.socket, late: threading.Event) -> None:
    late.set()
    try:
        socket.socket.shutdown(line, socket.SHUT_RDWR)  # past the encryption, which another thread is using
    except OSError:
        return  # it has ended by itself


def _answer(
    response: http.client.HTTPResponse, host: str, most: int, late: threading.Event
) -> tuple[str | None, bytes]:
    following = response.getheader("Location")
    if response.status in _REDIRECTS and following:
        return following, b""
    if response.status != 200:
        raise Unsafe("no-file", f"host {host} answers {response.status} {response.reason[:40]!r}")
    if response.getheader("Content-Encoding", "identity") != "identity":
        raise Unsafe("no-file", f"host {host} sends a packed file, which it was not asked for")
    data = bytearray()
    while len(data) + (response.length or 0) <= most and (piece := response.read(1 << 20)):
        data += piece
    if late.is_set():
        raise Unsafe("too-slow", f"host {host} takes too long")
    if len(data) + (response.length or 0) > most:
        raise Unsafe("too-many-bytes", f"host {host} sends more than {most:,} bytes")
    if response.length:
        raise Unsafe("no-file", f"host {host} sends a part of the file only")
    return None, bytes(data)
