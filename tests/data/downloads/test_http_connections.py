"""Connections: whom they trust, where they lead, and that they end in time."""

import shutil
import socket
import ssl
import subprocess
import sys
import threading

import pytest
from web_server import WebServer, answer

from keras_textcls.data.downloads import downloads
from keras_textcls.data.downloads.downloads import DownloadPolicy, FetchFailure, fetch_all
from keras_textcls.data.downloads.http_client import HttpClient
from keras_textcls.data.downloads.http_connections import Transfer


@pytest.fixture
def server():
    with WebServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def fetch(url):
    (outcome,) = fetch_all([url], DownloadPolicy(cache=False, backoff=0, allow_private=True))
    return outcome


@pytest.fixture
def certificate(tmp_path):
    """Paths of a certificate of 127.0.0.1 that signs itself, and of its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes a certificate with the program openssl")
    command = (
        f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-keyout key.pem -out certificate.pem -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "certificate.pem", tmp_path / "key.pem"


@pytest.fixture
def encrypted_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with WebServer(context) as running:
        yield running


def test_a_certificate_must_be_trusted(encrypted_server, certificate, monkeypatch):
    url = encrypted_server.add("/a", b"secret")
    assert fetch(url).reason.startswith("the certificate of the server is not trusted: self")
    assert encrypted_server.requests == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert fetch(url) == b"secret"
    wrong_host = url.replace("127.0.0.1", "localhost")
    assert "is not trusted" in fetch(wrong_host).reason


def test_the_deadline_holds_on_encrypted_connections(encrypted_server, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))

    def route(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not encrypted_server.end.wait(0.01):
            handler.wfile.write(b"1")

    policy = DownloadPolicy(cache=False, deadline=0.5, allow_private=True)
    outcomes = fetch_all([encrypted_server.add("/slow", route)], policy)
    assert next(outcomes) == FetchFailure("the download took longer than deadline=0.5 s")
    # The thread ends too, while the server goes on.
    assert list(outcomes) == []
    assert not any(t.name.startswith(downloads._THREAD_NAME) for t in threading.enumerate())
    assert not encrypted_server.end.is_set()


def test_a_server_without_encryption(server):
    url = server.root.replace("http:", "https:") + "/a"
    assert fetch(url).reason == "there is no encrypted connection to the server"


# === Private addresses ===

PRIVATE = "the address leads into a private network; if that is wanted, pass a `DownloadPolicy`"


def reasons(*urls):
    return [outcome.reason for outcome in fetch_all(urls, DownloadPolicy(cache=False, retries=0))]


def answer_look_ups(monkeypatch, *addresses):
    """Every name stands for these addresses; give the list of what was looked up."""
    asked = []

    def look_up(host, port, **_):
        asked.append(host)
        kinds = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        return [
            (kind, socket.SOCK_STREAM, 0, "", (address, port))
            for kind, address in zip(kinds, addresses, strict=True)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"])
def test_this_machine_is_not_asked(server, host):
    """However its number is written; and no connection is made to find out."""
    assert reasons(f"http://{host}:{server.port}/a")[0].startswith(PRIVATE)
    assert server.connections == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["8.8.8.8", "::1"]])
def test_a_name_that_stands_for_a_private_address(server, monkeypatch, scheme, addresses):
    asked = answer_look_ups(monkeypatch, *addresses)
    assert reasons(f"{scheme}://example.invalid:{server.port}/a")[0].startswith(PRIVATE)
    assert asked == ["example.invalid"]
    assert server.connections == 0


def test_a_name_is_looked_up_once_for_check_and_connection(server, monkeypatch):
    asked = answer_look_ups(monkeypatch, "127.0.0.1")
    server.add("/a", b"ok")
    assert fetch(f"http://example.invalid:{server.port}/a") == b"ok"
    assert asked == ["example.invalid"]


def test_a_redirect_to_a_private_address(server, monkeypatch):
    """The proxy of the environment may be private, what it leads to may not."""
    monkeypatch.setenv("http_proxy", server.root)
    inner = server.add("/inner", b"secret")
    server.routes["http://example.invalid/a"] = answer(b"", 302, Location=inner)
    for no_proxy in ("", "127.0.0.1"):
        monkeypatch.setenv("no_proxy", no_proxy)
        (reason,) = reasons("http://example.invalid/a")
        assert reason.startswith(f"the server redirects, but {PRIVATE}")
    assert server.counts == {"http://example.invalid/a": 2}


# === Ends ===


def _silent_look_up(monkeypatch, waiting):
    end = threading.Event()

    def look_up(*_, **__):
        waiting.set()
        end.wait()
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return "http://example.invalid/a", end.set


def _silent_host(monkeypatch, waiting):
    """A queue of connections that is full: Linux lets the next one wait."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=0)
    filling = []
    for _ in range(4):
        filling.append(socket.socket())
        filling[-1].setblocking(False)
        filling[-1].connect_ex(listening.getsockname())
    original = socket.socket.settimeout

    def set_timeout(self, seconds):
        original(self, seconds)
        waiting.set()

    monkeypatch.setattr(socket.socket, "settimeout", set_timeout)

    def close():
        for one in (listening, *filling):
            one.close()

    return f"http://127.0.0.1:{listening.getsockname()[1]}/a", close


@pytest.mark.parametrize("begin", [_silent_look_up, _silent_host])
@pytest.mark.skipif(sys.platform != "linux", reason="a full queue refuses elsewhere")
def test_connections_that_are_being_made_are_ended(monkeypatch, begin):
    """With a look-up or a host that never answers, and limits that would take minutes."""
    waiting = threading.Event()
    policy = DownloadPolicy(timeout=500, deadline=500, retries=0, allow_private=True)
    url, clean = begin(monkeypatch, waiting)
    transfer = Transfer(policy)
    thread = threading.Thread(target=HttpClient(policy).fetch, args=(url, transfer), daemon=True)
    thread.start()
    assert waiting.wait(60)
    # As `fetch_all` does: it may be just before its wait.
    for _ in range(1000):
        transfer.abort()
        thread.join(0.05)
        if not thread.is_alive():
            break
    clean()
    assert not thread.is_alive()
