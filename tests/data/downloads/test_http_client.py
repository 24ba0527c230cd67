"""What one address yields: its content, or a plain reason why there is none."""

import gzip
import re
import socket
import tracemalloc
import zlib

import pytest
from web_server import WebServer, answer, in_turn

from keras_textcls.data.downloads.downloads import DownloadPolicy, FetchFailure, fetch_all

SETTINGS = {"cache": False, "backoff": 0, "allow_private": True}


@pytest.fixture
def server():
    with WebServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def fetch(url, **policy):
    (outcome,) = fetch_all([url], DownloadPolicy(**SETTINGS | policy))
    return outcome


def reason(url, **policy):
    outcome = fetch(url, **policy)
    assert isinstance(outcome, FetchFailure), outcome
    return outcome.reason


# === Status ===


def test_a_content_is_what_the_server_sent(server):
    body = bytes(range(256)) * 1000
    assert fetch(server.add("/a", body)) == body
    assert fetch(server.add("/empty", b"")) == b""


def test_an_address_may_hold_spaces_letters_of_all_kinds_and_a_fragment(server):
    server.add("/a%20%C3%BC?q=%C3%A9", b"found")
    assert fetch(f"{server.root}/a ü?q=é#part") == b"found"


@pytest.mark.parametrize("status", [204, 206, 304, 401, 404, 410])
def test_other_statuses_are_failures_at_once(server, status):
    url = server.add("/a", answer(b"", status, Content_Length=None if status < 400 else "0"))
    assert re.match(f"the server answered {status} [A-Z]", reason(url))
    assert server.counts["/a"] == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 599])
def test_failures_that_may_pass_are_tried_again(server, status):
    bad = answer(b"busy", status)
    assert fetch(server.add("/a", in_turn(bad, bad, bad, answer(b"ok"))), retries=3) == b"ok"
    assert reason(server.add("/b", bad), retries=2).startswith(f"the server answered {status}")
    assert server.counts == {"/a": 4, "/b": 3}


@pytest.mark.parametrize("wait", ["0", "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "-1"])
def test_retry_after_is_read(server, wait):
    busy = answer(b"", 503, Retry_After=wait)
    assert fetch(server.add("/a", in_turn(busy, answer(b"ok")))) == b"ok"


@pytest.mark.parametrize("wait", ["3600", "9" * 400, "Wed, 21 Oct 2265 07:28:00 GMT"])
def test_a_wait_longer_than_the_deadline_is_not_begun(server, wait):
    url = server.add("/a", answer(b"", 429, Retry_After=wait))
    assert "429 Too Many Requests; the next try would be in" in reason(url)
    assert server.counts["/a"] == 1


def test_a_number_too_long_to_read_is_no_wait(server):
    busy = answer(b"", 503, Retry_After="9" * 5000)
    assert fetch(server.add("/a", in_turn(busy, answer(b"ok")))) == b"ok"


# === Connections ===


def test_a_refused_connection(server):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert reason(f"http://127.0.0.1:{port}/a").startswith("there is no connection to the server")


def test_a_host_that_does_not_exist(monkeypatch):
    calls = []

    def look_up(*args, **_):
        calls.append(args)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert reason("http://example.invalid/a") == "the host of the address cannot be found"
    assert len(calls) == 1


def test_a_look_up_that_failed_for_now_is_tried_again(server, monkeypatch):
    original = socket.getaddrinfo
    errors = [socket.gaierror(socket.EAI_AGAIN, "later")]

    def look_up(*args, **kwargs):
        if errors:
            raise errors.pop()
        return original(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert fetch(server.add("/a", b"ok")) == b"ok"


def test_a_server_that_stays_silent(server):
    url = server.add("/a", lambda handler: server.end.wait())
    assert reason(url, timeout=0.05, retries=1) == "the server sent nothing for 0.05 s"


def test_what_is_not_http(server):
    def route(handler):
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n")
        handler.close_connection = True

    assert "not HTTP" in reason(server.add("/a", route))


@pytest.mark.parametrize(
    "cut",
    [
        {"body": b"only a part", "Content_Length": "100"},
        {"body": b"5\r\nonly \r\n", "Content_Length": None, "Transfer_Encoding": "chunked"},
        {"body": gzip.compress(b"all of it")[:-9], "Content_Encoding": "gzip"},
    ],
)
def test_a_body_that_was_cut_short_is_asked_for_again(server, cut):
    route = answer(**cut, Connection="close")
    assert fetch(server.add("/a", in_turn(route, answer(b"all of it")))) == b"all of it"
    assert isinstance(fetch(server.add("/b", route), retries=1), FetchFailure)
    assert server.counts == {"/a": 2, "/b": 2}


def test_connections_are_used_again(server):
    """Also after answers that nobody wants to read."""
    urls = [
        server.add("/ok", b"ok"),
        server.add("/missing", answer(b"a long page" * 100, 404)),
        server.add("/moved", answer(b"see /new", 302, Location="/new")),
        server.add("/zipped", answer(gzip.compress(b"ok"), Content_Encoding="gzip")),
        server.add("/empty", b""),
        server.add("/last", b"ok"),
    ]
    server.add("/new", b"new")
    list(fetch_all(urls, DownloadPolicy(**SETTINGS, workers=1)))
    assert len(server.requests) == 7
    assert server.connections == 1


# === Size ===


def test_the_largest_content(server):
    url = server.add("/a", b"x" * 1000)
    assert fetch(url, max_bytes=1000) == b"x" * 1000
    assert reason(url, max_bytes=999) == "the content is larger than max_bytes=999"


def test_too_large_by_its_header_is_not_read(server):
    def route(handler):
        answer(b"", Content_Length=str(10**12))(handler)
        # The body never comes.
        server.end.wait()

    assert "max_bytes" in reason(server.add("/a", route))
    assert server.counts["/a"] == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_without_a_header_is_left(server, chunked):
    headers = {"Transfer_Encoding": "chunked"} if chunked else {"Connection": "close"}
    piece = b"400\r\n" + b"x" * 1024 + b"\r\n" if chunked else b"x" * 1024
    left = []

    def route(handler):
        answer(b"", Content_Length=None, **headers)(handler)
        handler.close_connection = True
        try:
            while True:
                handler.wfile.write(piece)
        except ConnectionError:
            left.append(True)

    with WebServer() as endless:
        assert "max_bytes" in reason(endless.add("/a", route), max_bytes=5000)
    assert left == [True]


def test_compressed_contents(server):
    body = b"the same words again and again " * 5000
    packed = gzip.compress(body)
    assert fetch(server.add("/a", answer(packed, Content_Encoding="gzip"))) == body
    assert fetch(server.add("/b", answer(packed + packed, Content_Encoding="X-GZip"))) == body * 2
    assert fetch(server.add("/c", answer(b"", Content_Encoding="gzip"))) == b""
    assert fetch(server.add("/d", answer(b"plain", Content_Encoding="identity"))) == b"plain"
    assert server.requests[0][1]["Accept-Encoding"] == "gzip"


def test_the_size_is_that_after_decompression(server):
    url = server.add("/a", answer(gzip.compress(b"x" * 1000), Content_Encoding="gzip"))
    assert fetch(url, max_bytes=1000) == b"x" * 1000
    assert "max_bytes=999" in reason(url, max_bytes=999)


def test_a_bomb_is_not_unpacked(server):
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(50)) + packer.flush()
    url = server.add("/a", answer(bomb, Content_Encoding="gzip"))
    tracemalloc.start()
    try:
        assert "max_bytes=100000" in reason(url, max_bytes=100_000)
        assert tracemalloc.get_traced_memory()[1] < 5 * 2**20
    finally:
        tracemalloc.stop()


def test_contents_that_were_too_large_do_not_stay_in_memory(server):
    large = answer(b"x" * 2**20, Content_Length=None, Connection="close")
    urls = [server.add(f"/{i}", large) for i in range(20)]
    tracemalloc.start()
    try:
        policy = DownloadPolicy(**SETTINGS, workers=1, max_bytes=2**20 - 1)
        assert all(isinstance(outcome, FetchFailure) for outcome in fetch_all(urls, policy))
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "x" * 1000])
def test_other_encodings_are_refused(server, encoding):
    got = reason(server.add("/a", answer(b"??", Content_Encoding=encoding)))
    assert got.startswith("the content is encoded in a way not asked for")
    assert len(got) < 150


def test_what_is_not_gzip(server):
    url = server.add("/a", answer(b"not gzip at all", Content_Encoding="gzip"))
    assert reason(url) == "the content cannot be decompressed"


# === Redirects ===


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server, status):
    server.add("/folder/b", answer(b"", status, Location="c?x=1"))
    server.add("/folder/c?x=1", answer(b"", status, Location=f"{server.root}/%C3%BC"))
    server.add("/%C3%BC", b"ok")
    assert fetch(server.add("/a", answer(b"moved", status, Location="/folder/b"))) == b"ok"


def test_a_redirect_in_utf8(server):
    def route(handler):
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /")
        handler.wfile.write("ü\r\n\r\n".encode())

    server.add("/%C3%BC", b"ok")
    assert fetch(server.add("/a", route)) == b"ok"


@pytest.mark.parametrize(
    "location",
    ["file:///etc/hostname", "ftp://127.0.0.1/a", "data:text/plain,a", "http://:80/", "gopher:a"],
)
def test_redirects_elsewhere_are_refused(server, location):
    url = server.add("/a", answer(b"", 302, Location=location))
    assert reason(url).startswith("the server redirects, but the address ")
    assert server.counts["/a"] == 1


@pytest.mark.parametrize("location", ["http://[", "http://a:99999999/", "//[::1"])
def test_redirects_to_nonsense(server, location):
    assert "not valid" in reason(server.add("/a", answer(b"", 302, Location=location)))


def test_a_redirect_to_nowhere(server):
    assert reason(server.add("/a", answer(b"", 302))) == "the server answered 302 Found"


def test_a_loop_of_redirects_ends(server):
    server.add("/b", answer(b"", 302, Location="/a"))
    url = server.add("/a", answer(b"", 302, Location="/b"))
    assert reason(url) == "the server redirects more than 10 times"
    assert len(server.requests) == 11


# === Credentials ===


def _with_password(url):
    return url.replace("http://", "http://ann:p%40ss@")


def test_a_password_is_sent_to_its_own_server_only(server):
    with WebServer() as other:
        other.add("/c", b"ok")
        server.add("/b", answer(b"", 302, Location=f"{other.root}/c"))
        url = server.add("/a", answer(b"", 302, Location="/b"))
        assert fetch(_with_password(url)) == b"ok"
        sent = [headers.get("Authorization") for _, headers in server.requests + other.requests]
    # base64 of "ann:p@ss"
    assert sent == ["Basic YW5uOnBAc3M=", "Basic YW5uOnBAc3M=", None]


def test_no_message_shows_a_password(server):
    urls = [
        server.add("/missing", answer(b"", 404)),
        server.add("/moved", answer(b"", 302, Location="ftp://x:p%40ss@y/")),
        "http://127.0.0.1:1/",
        "http://127.0.0.1:99999/",
    ]
    for url in urls:
        for secret in ("p%40ss", "p@ss", "ann"):
            assert secret not in reason(_with_password(url))


# === Proxies ===


def test_a_proxy_of_the_environment_is_asked(server, monkeypatch):
    server.routes["http://example.invalid/a?b=1"] = answer(b"through the proxy")
    direct = server.add("/direct", b"direct")
    monkeypatch.setenv("http_proxy", f"http://bob:secret@127.0.0.1:{server.port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    assert fetch("http://ann:pw@example.invalid/a?b=1#c") == b"through the proxy"
    assert fetch(direct) == b"direct"
    headers = server.requests[0][1]
    # base64 of "bob:secret" and of "ann:pw"
    assert headers["Proxy-Authorization"] == "Basic Ym9iOnNlY3JldA=="
    assert headers["Authorization"] == "Basic YW5uOnB3"
    assert "Proxy-Authorization" not in server.requests[1][1]


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [
        ("http://127.0.0.1:1", "through the proxy: there is no connection"),
        ("127.0.0.1:1", "through the proxy: there is no connection"),
        ("socks5://127.0.0.1:1", "the proxy that the environment names is no http proxy"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_does_not_work(monkeypatch, proxy, expected, scheme):
    monkeypatch.setenv(f"{scheme}_proxy", proxy)
    assert reason(f"{scheme}://example.invalid/a").startswith(expected)
