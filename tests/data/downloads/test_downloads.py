"""Many addresses: in order, in parallel, once each, within time and memory."""

import io
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading

import pytest
from conftest import budget
from hypothesis import given, settings
from hypothesis import strategies as st
from web_server import WebServer, answer, drip

from keras_textcls.data.downloads import downloads
from keras_textcls.data.downloads.download_cache import DownloadCache
from keras_textcls.data.downloads.downloads import DownloadPolicy, FetchFailure, fetch_all
from keras_textcls.errors import ArgumentError


@pytest.fixture
def server():
    with WebServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", str(tmp_path / "default_cache"))


def policy(**settings):
    return DownloadPolicy(**{"cache": False, "backoff": 0, "allow_private": True, **settings})


def download_threads():
    return [t for t in threading.enumerate() if t.name.startswith(downloads._THREAD_NAME)]


# === Order ===


@pytest.mark.parametrize("workers", [1, 3, 16])
def test_one_outcome_for_each_address_in_order(server, workers):
    rng = random.Random(workers)
    urls, expected = [], []
    for i in range(40):
        kind = rng.choice(["content", "missing", "no address"])
        if kind == "content":
            urls.append(server.add(f"/{i}", f"text {i}".encode()))
            expected.append(f"text {i}".encode())
        elif kind == "missing":
            urls.append(server.add(f"/{i}", answer(b"", 404)))
            expected.append(FetchFailure("the server answered 404 Not Found"))
        else:
            urls.append(f"file:///{i}")
            expected.append(FetchFailure("the address does not start with http:// or https://"))
    order = [rng.randrange(40) for _ in range(200)]
    outcomes = list(fetch_all([urls[i] for i in order], policy(workers=workers)))
    assert outcomes == [expected[i] for i in order]
    assert set(server.counts.values()) == {1}
    assert download_threads() == []


def test_nothing_is_asked_for_nothing(server):
    assert list(fetch_all([], policy())) == []
    iterator = fetch_all([server.add("/a", b"a")], policy())
    assert download_threads() == []
    iterator.close()
    assert server.requests == []


@pytest.mark.parametrize("urls", ["http://127.0.0.1/", b"http://127.0.0.1/"])
def test_a_single_address_is_an_error(urls):
    with pytest.raises(ArgumentError, match="Wrap it in a list"):
        fetch_all(urls)


def test_a_policy_must_be_one():
    with pytest.raises(ArgumentError, match="`policy` must be a DownloadPolicy. Received: .*10"):
        fetch_all(["http://127.0.0.1/"], {"timeout": 10})


CELLS = st.one_of(st.text(), st.text().map("http://".__add__), st.text().map("https:/".__add__))


@settings(max_examples=budget(25, 10), deadline=None)
@given(st.lists(CELLS, min_size=10))
def test_no_address_raises(urls):
    """Whatever stands in a cell; no host is looked up."""

    def look_up(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up)
        for outcome in fetch_all(urls, policy(retries=0)):
            assert outcome.reason.startswith(("the address ", "the host of the address "))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname", "ftp://127.0.0.1/a", "data:text/plain,a", "127.0.0.1/a", "", " ",
        "http://", "http:///a", "http:a", "http://a\nb/", "http://a/\x00", "http://a/\udc80",
        "http://a:b/", "http://[::1", "HTTPS://", "javascript:alert(1)", "C:\\a.txt", "/a.txt",
    ],
)  # fmt: skip
def test_what_is_no_address(url):
    (outcome,) = fetch_all([url], policy())
    assert outcome.reason.startswith("the address ")


# === In parallel ===


def test_workers_work_at_the_same_time(server):
    """Each answer waits for the requests of all."""
    barrier = threading.Barrier(4, timeout=20)

    def route(handler):
        barrier.wait()
        answer(b"met")(handler)

    urls = [server.add(f"/{i}", route) for i in range(4)]
    assert list(fetch_all(urls, policy(workers=4))) == [b"met"] * 4


def test_a_slow_address_does_not_keep_the_others_waiting(server):
    others_done = threading.Event()

    def slow(handler):
        others_done.wait(20)
        answer(b"slow" if others_done.is_set() else b"too slow")(handler)

    def last(handler):
        others_done.set()
        answer(b"x")(handler)

    urls = [server.add("/slow", slow), *(server.add(f"/{i}", b"x") for i in range(20))]
    urls.append(server.add("/last", last))
    assert list(fetch_all(urls, policy(workers=2))) == [b"slow"] + [b"x"] * 21


def test_contents_that_wait_are_few(server):
    """While the first is under way, the others stop where `max_bytes` each would be too much."""
    too_many = threading.Event()

    def slow(handler):
        # Waits in vain, which is the point.
        too_many.wait(0.3)
        answer(b"slow")(handler)

    def seventh(handler):
        too_many.set()
        answer(b"x" * 1000)(handler)

    urls = [server.add("/slow", slow), *(server.add(f"/{i}", b"x" * 1000) for i in range(5))]
    urls.append(server.add("/seventh", seventh))
    outcomes = fetch_all(urls, policy(workers=4, max_bytes=1000))
    assert next(outcomes) == b"slow"
    assert not too_many.is_set()
    assert list(outcomes) == [b"x" * 1000] * 6


def test_an_error_of_ours_does_not_hang(server, monkeypatch):
    def fail(*_):
        raise RuntimeError("a mistake")

    monkeypatch.setattr(DownloadCache, "get", fail)
    with pytest.raises(RuntimeError, match="a mistake"):
        list(fetch_all([server.add("/a", b"a")] * 3, policy()))
    assert download_threads() == []


# === Once each ===


def test_an_address_is_fetched_once_in_however_many_places(server):
    large, small = server.add("/large", b"x" * 10**6), server.add("/small", b"small")
    urls = [small, large, small, small, large, server.add("/bad", answer(b"", 404)), large]
    urls += [server.root + "/bad", small]
    outcomes = list(fetch_all(urls, policy()))
    assert [len(o) if isinstance(o, bytes) else o.reason[-9:] for o in outcomes] == [
        5, 10**6, 5, 5, 10**6, "Not Found", 10**6, "Not Found", 5,
    ]  # fmt: skip
    assert server.counts == {"/small": 1, "/large": 1, "/bad": 1}


def test_what_is_asked_for_once_is_not_set_aside(server, monkeypatch):
    monkeypatch.setattr(downloads._Kept, "__setitem__", None)
    assert list(fetch_all([server.add("/a", b"a"), server.add("/b", b"b")], policy())) == [
        b"a",
        b"b",
    ]


class _FullDisk(io.BytesIO):
    def write(self, content):
        if self.tell() + len(content) > 5:
            raise OSError(28, "No space left on device")
        return super().write(content)


class _AlmostFullDisk(io.BytesIO):
    def write(self, content):
        return super().write(content[: 5 - self.tell()])


def _no_disk(**_):
    raise OSError(30, "Read-only file system")


@pytest.mark.parametrize("disk", [_FullDisk, _AlmostFullDisk, _no_disk])
def test_a_full_disk_loses_nothing(server, monkeypatch, disk):
    urls = [server.add(f"/{i}", f"text{i}".encode()) for i in range(3)]
    monkeypatch.setattr(
        tempfile, "TemporaryFile", disk if disk is _no_disk else lambda buffering: disk()
    )
    assert list(fetch_all(urls * 2, policy())) == [b"text0", b"text1", b"text2"] * 2
    assert set(server.counts.values()) == {1}


# === Time ===


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.",
        b"HTTP/1.1 200 OK\r\nX-Name: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\0",
        b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\n\r\n",
    ],
)
def test_a_dripping_server_is_left_at_the_deadline(server, start):
    """Wherever in the answer it starts; and its thread is free again while it goes on."""
    urls = [server.add("/slow", drip(server, start)), "no address"]
    outcomes = fetch_all(urls, policy(deadline=0.1, workers=1))
    assert next(outcomes) == FetchFailure("the download took longer than deadline=0.1 s")
    assert next(outcomes).reason.startswith("the address ")
    outcomes.close()
    assert download_threads() == []
    assert not server.end.is_set()


def test_a_look_up_that_hangs_is_left_at_the_deadline(monkeypatch):
    """The system cannot be interrupted there, so the thread stays behind for a while."""
    end = threading.Event()

    def look_up(*_, **__):
        end.wait()
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    before = set(threading.enumerate())
    (outcome,) = fetch_all(["http://example.invalid"], policy(deadline=0.05))
    assert "deadline" in outcome.reason
    threads = set(threading.enumerate()) - before
    assert [t.daemon for t in threads] == [True]
    assert download_threads() == []
    end.set()
    for thread in threads:
        thread.join()


def test_the_deadline_ends_pauses(server):
    url = server.add("/a", answer(b"", 503))
    (outcome,) = fetch_all([url], policy(backoff=100, deadline=50))
    assert outcome.reason == (
        "the server answered 503 Service Unavailable; the next try would be in 100 s, after "
        "deadline=50 s"
    )


@pytest.mark.parametrize("waits_for", ["the server", "a retry"])
def test_closing_ends_the_downloads(server, waits_for):
    busy = threading.Event()

    def route(handler):
        busy.set()
        if waits_for == "the server":
            server.end.wait()
        answer(b"", 503)(handler)

    outcomes = fetch_all(
        [server.add("/a", b"a"), server.add("/b", route)], policy(backoff=20, workers=2)
    )
    assert next(outcomes) == b"a"
    busy.wait()
    outcomes.close()
    assert download_threads() == []


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_ends_the_program(server):
    """While the server is still silent."""
    asked = threading.Event()

    def route(handler):
        asked.set()
        server.end.wait()

    code = textwrap.dedent(
        f"""
        import signal
        from keras_textcls.data.downloads.downloads import DownloadPolicy, fetch_all
        signal.signal(signal.SIGINT, signal.default_int_handler)
        policy = DownloadPolicy(timeout=500, deadline=500, allow_private=True)
        list(fetch_all([{server.add("/a", route)!r}], policy))
        """
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as process:
        assert asked.wait(60)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1]
    assert error.strip().endswith(b"KeyboardInterrupt")
    assert not server.end.is_set()


# === Cache ===


def test_what_is_in_the_cache_is_not_asked_again(server, tmp_path):
    urls = [server.add("/a", b"a"), server.add("/b", answer(b"", 404)), server.add("/c", b"")]
    kept = policy(cache=tmp_path / "cache")
    first = list(fetch_all(urls, kept))
    assert list(fetch_all(urls, kept)) == first
    assert server.counts == {"/a": 1, "/b": 2, "/c": 1}
    list(fetch_all(urls, policy(cache=False)))
    assert server.counts == {"/a": 2, "/b": 3, "/c": 2}


def test_the_default_cache(server, tmp_path):
    url = server.add("/a", b"a")
    for _ in range(2):
        assert list(fetch_all([url], DownloadPolicy(allow_private=True))) == [b"a"]
    assert server.counts["/a"] == 1
    assert (tmp_path / "default_cache" / "downloads").is_dir()


def test_what_was_cut_at_the_deadline_is_not_kept(server, tmp_path):
    """A body without a length ends where the connection ends."""
    kept = policy(cache=tmp_path, deadline=0.1)
    url = server.add("/a", drip(server, b"HTTP/1.1 200 OK\r\n\r\npart"))
    assert isinstance(next(fetch_all([url], kept)), FetchFailure)
    server.add("/a", b"all of it")
    assert list(fetch_all([url], policy(cache=tmp_path))) == [b"all of it"]


def test_a_smaller_limit_holds_for_the_cache_too(server, tmp_path):
    url = server.add("/a", b"x" * 100)
    assert list(fetch_all([url], policy(cache=tmp_path))) == [b"x" * 100]
    (outcome,) = fetch_all([url], policy(cache=tmp_path, max_bytes=99))
    assert outcome.reason == "the content is larger than max_bytes=99"


def test_a_cache_that_cannot_be_written_does_no_harm(server, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    urls = [server.add("/a", b"a"), server.add("/b", b"b")]
    assert list(fetch_all(urls, policy(cache=tmp_path / "file"))) == [b"a", b"b"]


def test_many_at_once_share_a_cache(server, tmp_path):
    urls = [server.add(f"/{i}", f"text {i}".encode() * 1000) for i in range(20)]
    results = []

    def fetch():
        results.append(list(fetch_all(urls, policy(cache=tmp_path))))

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[f"text {i}".encode() * 1000 for i in range(20)]] * 4
    before = len(server.requests)
    fetch()
    assert results[4] == results[0]
    assert len(server.requests) == before
