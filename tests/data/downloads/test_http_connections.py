"""Encrypted connections: whom they trust, and that they end in time too."""

import shutil
import ssl
import subprocess
import threading

import pytest
from web_server import WebServer

from keras_textcls.data.downloads import downloads
from keras_textcls.data.downloads.downloads import DownloadPolicy, FetchFailure, fetch_all


@pytest.fixture
def server():
    with WebServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def fetch(url):
    (outcome,) = fetch_all([url], DownloadPolicy(cache=False, backoff=0))
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

    outcomes = fetch_all(
        [encrypted_server.add("/slow", route)], DownloadPolicy(cache=False, deadline=0.5)
    )
    assert next(outcomes) == FetchFailure("the download took longer than deadline=0.5 s")
    # The thread ends too, while the server goes on.
    for thread in threading.enumerate():
        if thread.name == downloads._THREAD_NAME:
            thread.join(60)
            assert not thread.is_alive()


def test_a_server_without_encryption(server):
    url = server.root.replace("http:", "https:") + "/a"
    assert fetch(url).reason == "there is no encrypted connection to the server"
