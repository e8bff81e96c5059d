"""Addresses: nothing is asked unless the user allows it, and then never anything that is not public."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from relata import fetch
from relata.errors import Unsafe
from relata.fetch import Rules, get, public
from relata.images import read

from .bombs import png, sound

PHOTO = sound("JPEG")
HOST = "photos.example.com"
ALLOWED = frozenset({HOST, "other.example.com", "inner.example.com"})
PUBLIC = "93.184.215.14"
QUICK = Rules(seconds=5)

#: Addresses of machines that are nobody's business, as numbers.
_INNER = """
127.0.0.1 127.255.255.254 127.1.2.3 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1
192.168.1.254 169.254.169.254 169.254.170.2 169.254.0.1 100.64.0.1 100.100.100.200 100.127.255.255 192.0.0.1
192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 168.63.129.16 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::127.0.0.1 ::ffff:0:127.0.0.1
64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::a00:1 2002:7f00:1:: 2002:a9fe:a9fe:: 2002:808:808:: 2001:0:7f00:1::
2001::ce49:7601:2cad:dfff 2001:db8::1 2001:20::1 3fff::1 100::1 fc00::1 fd00:ec2::254 fd12:3456::1 fe80::1
fe80::1%eth0 fe80::5efe:7f00:1 fec0::1 ff02::1 ff0e::1 5f00::1 4000::1
"""
INNER = _INNER.split()

#: What a stranger may write for the same machines.
_SPELLINGS = """
http://127.0.0.1/ http://localhost/ http://LOCALHOST/ http://localhost./ http://127.1/ http://0/ http://0x7f.1/
http://2130706433/ http://0x7f000001/ http://017700000001/ http://0177.0.0.1/ http://0x7f.0x0.0x0.0x1/ http://127.0.1/
http://[::1]/ http://[::]/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[0:0:0:0:0:0:0:1]/
http://[fe80::1%25eth0]/ http://[64:ff9b::7f00:1]/ http://[2002:7f00:1::]/ http://169.254.169.254/latest/meta-data/
http://2852039166/ http://0xa9fea9fe/ http://metadata.google.internal/ http://100.100.100.200/ http://[fd00:ec2::254]/
http://168.63.129.16/ http://127.0.0.1:6379/ http://127.0.0.1:2375/ https://127.0.0.1/ http://127.0.0.1.nip.io/
http://①②⑦.⓪.⓪.①/ http://１２７.0.0.1/ http://127。0。0。1/ http://localho%73t/ http://%6c%6f%63alhost/
http://photos.example.com@127.0.0.1/ http://127.0.0.1@photos.example.com/ http://photos.example.com:80@127.0.0.1/
http://photos.example.com\\@127.0.0.1/ http://127.0.0.1\\@photos.example.com/
http://photos.example.com%2f@127.0.0.1/ http://127.0.0.1%23@photos.example.com/ http://photos.example.com.evil.example/
http://evil.example/?photos.example.com http://evil.example/photos.example.com http://photos.example.com:6379/
http://photos.example.com:99999/ http://photos.example.com:-1/ http://photos.example.com:８０/ http://photos-example.com/
http://-photos.example.com/ http://photos..example.com/ http://xn--phots-fua.example.com/ http://phоtos.example.com/
file:///etc/passwd file://localhost/etc/passwd file:/etc/passwd FILE:///etc/passwd gopher://127.0.0.1:6379/_INFO
dict://127.0.0.1:11211/ ftp://127.0.0.1/ sftp://127.0.0.1/ ldap://127.0.0.1/ tftp://127.0.0.1/ jar:http://127.0.0.1!/
netdoc:///etc/passwd data:image/png;base64,AAAA blob:http://127.0.0.1/ javascript:alert(1) ws://127.0.0.1/
http:127.0.0.1 http:/127.0.0.1 http:///127.0.0.1/ http:// https:// //127.0.0.1/ http:\\\\127.0.0.1\\
"""
SPELLINGS = _SPELLINGS.split()
SPELLINGS += [
    "http://photos.example.com /",
    " http://127.0.0.1/",
    "http://127.0.0.1\t/",
    "http://127.0.0.1\r\nHost: x/",
]
SPELLINGS += [
    "http://photos.example.com/\r\nX: y",
    "http://photos.example.com/\0",
    "ht\ntp://127.0.0.1/",
    "http://[::1",
]


class Web:
    """A made-up web: what each host is looked up as, and a record of every connection that somebody tries."""

    def __init__(self, port: int = 0) -> None:
        self.hosts: dict[str, list[str]] = {name: [PUBLIC] for name in ALLOWED}
        self.looked_up: list[str] = []
        self.connected: list[tuple[str, int]] = []
        self.port = port

    def resolve(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        if host in self.hosts:
            return self.hosts[host]
        return fetch.addresses(host, port) if host.replace(".", "").isalnum() and host[0].isdigit() else ["127.0.0.1"]

    def connect(self, address: tuple[str, int], timeout: float) -> socket.socket:
        self.connected.append(address)
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def get(self, url: str, hosts: frozenset[str] = ALLOWED, rules: Rules = QUICK) -> bytes:
        return get(url, hosts, rules, self.resolve, self.connect)


Answer = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    answers: dict[str, Answer]
    requests: list[dict[str, str]]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.requests.append({**dict(self.headers.items()), "path": self.path})
        self.server.answers[self.path](self)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as made:
        made.answers, made.requests = {}, []
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def web(server: Server) -> Web:
    return Web(server.server_address[1])


def send(data: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content_Length": str(len(data)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return answer


# ------------------------------------------------------------------------------------------ nothing is allowed


def test_without_leave_no_address_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: tried.append(a))
    monkeypatch.setattr(socket.socket, "connect", lambda *a: tried.append(a))
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: tried.append(a))
    urls = [*SPELLINGS, *(f"http://[{a}]/" if ":" in a else f"http://{a}/" for a in INNER), f"http://{HOST}/a.jpg"]
    assert len(set(urls)) >= 60
    for url in urls:
        with pytest.raises(Unsafe) as refusal:
            read(url, tmp_path)
        assert refusal.value.reason in {"address", "missing", "bad-name", "outside-root"}, url
    assert tried == []


# ------------------------------------------------------------------------------------------ some hosts are allowed


@pytest.mark.parametrize("url", SPELLINGS)
def test_only_allowed_hosts_in_plain_spelling_are_asked(url: str) -> None:
    web = Web()
    with pytest.raises(Unsafe) as refusal:
        web.get(url)
    assert refusal.value.reason in {"bad-address", "host-not-allowed"}
    assert web.looked_up == []
    assert web.connected == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "017700000001", "127.1", "0", "localhost"])
def test_even_an_allowed_host_must_be_public(host: str) -> None:
    web = Web()
    with pytest.raises(Unsafe) as refusal:
        web.get(f"http://{host}/", frozenset({host}))
    assert refusal.value.reason in {"not-public", "no-file"}  # some systems do not look such numbers up
    assert web.connected == []


@pytest.mark.parametrize("address", INNER)
def test_no_inner_address_is_public(address: str) -> None:
    assert not public(address)
    web = Web()
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        web.hosts["inner.example.com"] = found
        with pytest.raises(Unsafe) as refusal:
            web.get("https://inner.example.com/a.jpg")
        assert refusal.value.reason == "not-public"
    assert web.connected == []


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "1.1.1.1", "172.15.0.1", "100.63.0.1", "2606:4700:4700::1111"])
def test_public_addresses_are_public(address: str) -> None:
    assert public(address)


def test_nonsense_is_not_public() -> None:
    assert not any(map(public, ["", "localhost", "1.2.3", "8.8.8.8.", "0x08080808", "08.8.8.8", "::g"]))


# ------------------------------------------------------------------------------------------ what is asked


def test_the_checked_address_is_connected_to_and_looked_up_once(server: Server, web: Web, tmp_path: Path) -> None:
    """A name that means something else when it is looked up again gains nothing."""
    server.answers["/a.jpg?size=1"] = send(PHOTO)
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    resolve = lambda host, port: web.looked_up.append(host) or next(answers)  # type: ignore[func-returns-value]  # noqa: E731
    allowed = partial(get, hosts=ALLOWED, resolve=resolve, connect=web.connect)
    assert read(f"http://{HOST}/a.jpg?size=1#part", tmp_path, fetch=allowed) == PHOTO
    assert web.looked_up == [HOST]
    assert web.connected == [(PUBLIC, 80)]
    assert server.requests[0]["Host"] == HOST
    assert server.requests[0]["path"] == "/a.jpg?size=1"
    assert "Authorization" not in server.requests[0]
    assert "Cookie" not in server.requests[0]


def test_a_port_is_allowed_by_name(server: Server, web: Web) -> None:
    server.answers["/"] = send(PHOTO)
    assert web.get(f"http://{HOST}:8080", frozenset({f"{HOST}:8080"})) == PHOTO
    assert web.connected == [(PUBLIC, 8080)]
    assert server.requests[0]["Host"] == f"{HOST}:8080"


def test_a_proxy_in_the_environment_is_not_asked(server: Server, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.answers["/a.jpg"] = send(PHOTO)
    assert web.get(f"http://{HOST}/a.jpg") == PHOTO
    assert web.connected == [(PUBLIC, 80)]


def test_encryption_names_the_host_and_not_the_address() -> None:
    here, there = socket.socketpair()
    with there:
        there.settimeout(5)
        failed: list[str] = []

        def ask() -> None:
            with pytest.raises(Unsafe) as refusal:
                get(f"https://{HOST}/a.jpg", ALLOWED, Rules(), lambda *_: [PUBLIC], lambda *_: here)
            failed.append(refusal.value.reason)

        thread = threading.Thread(target=ask)
        thread.start()
        hello = there.recv(4096)
        there.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    assert HOST.encode() in hello
    assert PUBLIC.encode() not in hello
    assert failed == ["no-file"]


#: What can stand in a header, and is not read as a path on the same host.
LOCATIONS = [
    u for u in SPELLINGS if u.isascii() and u.isprintable() and u == u.strip() and re.match(r"\w+:(//)?[^/]", u)
]


@pytest.mark.parametrize("url", [u for u in LOCATIONS if u != "http:127.0.0.1"])
def test_every_redirect_is_checked_again(url: str, server: Server, web: Web) -> None:
    server.answers["/go"] = send(b"", 302, Location=url)
    with pytest.raises(Unsafe) as refusal:
        web.get(f"http://{HOST}/go")
    assert refusal.value.reason in {"bad-address", "host-not-allowed", "not-public", "too-many-redirects"}
    assert web.connected == [(PUBLIC, 80)]


def test_a_redirect_to_an_allowed_name_of_an_inner_machine(server: Server, web: Web) -> None:
    web.hosts["inner.example.com"] = ["169.254.169.254"]
    for status in (301, 302, 303, 307, 308):
        server.answers["/go"] = send(b"", status, Location="http://inner.example.com/latest/meta-data/")
        with pytest.raises(Unsafe) as refusal:
            web.get(f"http://{HOST}/go")
        assert refusal.value.reason == "not-public"
    assert {address for address, _ in web.connected} == {PUBLIC}


def test_the_same_name_may_not_become_an_inner_machine_between_redirects(server: Server, web: Web) -> None:
    server.answers["/go"] = send(b"", 302, Location="/on")
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    with pytest.raises(Unsafe) as refusal:
        get(f"http://{HOST}/go", ALLOWED, Rules(), lambda *_: next(answers), web.connect)
    assert refusal.value.reason == "not-public"
    assert web.connected == [(PUBLIC, 80)]


def test_redirects_are_followed_up_to_a_number(server: Server, web: Web) -> None:
    server.answers["/1"] = send(b"", 301, Location="/2")
    server.answers["/2"] = send(b"", 307, Location="http://other.example.com/3")
    server.answers["/3"] = send(b"", 308, Location="4")
    server.answers["/4"] = send(PHOTO)
    server.answers["/loop"] = send(b"", 302, Location="/loop")
    assert web.get(f"http://{HOST}/1") == PHOTO
    assert web.looked_up == [HOST, HOST, "other.example.com", "other.example.com"]
    with pytest.raises(Unsafe) as refusal:
        web.get(f"http://{HOST}/loop")
    assert refusal.value.reason == "too-many-redirects"


def test_bytes_are_capped_whether_told_or_not(server: Server, web: Web) -> None:
    server.answers["/told"] = send(b"x" * 2000)
    server.answers["/lie"] = send(b"x" * 500, Content_Length="99999999999")

    def untold(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 2000)

    def chunked(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"3e8\r\n" + b"x" * 1000 + b"\r\n"
        )
        request.wfile.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n")

    def endless(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        try:
            while True:
                request.wfile.write(bytes(1 << 16))
        except OSError:
            return  # it hung up

    server.answers |= {"/untold": untold, "/chunked": chunked, "/endless": endless}
    for path in ("told", "lie", "untold", "chunked", "endless"):
        with pytest.raises(Unsafe) as refusal:
            web.get(f"http://{HOST}/{path}", rules=Rules(bytes=1999))
        assert refusal.value.reason == "too-many-bytes"
    for path in ("told", "untold", "chunked"):
        assert web.get(f"http://{HOST}/{path}", rules=Rules(bytes=2000)) == b"x" * 2000


def test_a_slow_host_is_left(server: Server, web: Web) -> None:
    stop = threading.Event()

    def dripping_body(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 100000\r\n\r\n")
        drip(request)

    def drip(request: BaseHTTPRequestHandler) -> None:
        try:
            while not stop.wait(0.05):
                request.wfile.write(b"x")
        except OSError:
            return  # it hung up

    server.answers |= {"/body": dripping_body, "/head": drip, "/silent": lambda request: stop.wait(10) and None}
    try:
        for path in ("body", "head", "silent"):
            start = time.monotonic()
            with pytest.raises(Unsafe) as refusal:
                web.get(f"http://{HOST}/{path}", rules=Rules(seconds=0.4))
            assert refusal.value.reason == "too-slow"
            assert time.monotonic() - start < 3
    finally:
        stop.set()


def test_only_a_whole_file_is_an_answer(server: Server, web: Web) -> None:
    server.answers["/404"] = send(b"no", 404)
    server.answers["/500"] = send(b"no", 500)
    server.answers["/nowhere"] = send(b"", 302)
    server.answers["/part"] = send(PHOTO[:50], Content_Length=str(len(PHOTO)))
    server.answers["/packed"] = send(PHOTO, Content_Encoding="gzip")
    server.answers["/nonsense"] = lambda request: request.wfile.write(b"\xff" * 100 + b"\r\n\r\n") and None
    server.answers["/nothing"] = lambda request: None
    for path in ("404", "500", "nowhere", "part", "packed", "nonsense", "nothing"):
        with pytest.raises(Unsafe) as refusal:
            web.get(f"http://{HOST}/{path}")
        assert refusal.value.reason == "no-file", path


def test_what_comes_is_checked_as_a_file_is(server: Server, web: Web, tmp_path: Path) -> None:
    server.answers["/page"] = send(b"<html>", Content_Type="image/jpeg")
    server.answers["/bomb"] = send(png(size=(50_000, 50_000)), Content_Type="image/png")
    for path, reason in (("page", "unknown-format"), ("bomb", "too-many-pixels")):
        with pytest.raises(Unsafe, match=HOST) as refusal:
            read(f"http://{HOST}/{path}", tmp_path, fetch=web.get)
        assert refusal.value.reason == reason


def test_leave_to_fetch_is_no_leave_to_read_elsewhere(web: Web, tmp_path: Path) -> None:
    for name in ("/etc/passwd", "../a.png", "file:///etc/passwd"):
        with pytest.raises(Unsafe):
            read(name, tmp_path, fetch=web.get)
    assert web.connected == []


def test_a_closed_port_is_no_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        web = Web(taken.getsockname()[1])  # bound, and nobody listens
        with pytest.raises(Unsafe) as refusal:
            web.get(f"http://{HOST}/a.jpg")
    assert refusal.value.reason == "no-file"
