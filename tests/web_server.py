"""A web server on this machine whose answers the tests write, byte by byte if need be."""

import collections
import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WebServer:
    """Serves `routes`: a function of the request's handler for each path."""

    def __init__(self, context=None):
        self.routes = {}
        self.requests = []
        self.connections = 0
        self.lock = threading.Lock()
        # Handlers that keep a client waiting wait for this; it is set at the end.
        self.end = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        # A client that leaves a connection open is found out: closing waits for all handlers.
        self._server.daemon_threads = False
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.root = f"{'http' if context is None else 'https'}://127.0.0.1:{self.port}"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, path, route):
        """Serve `path` with a route, or with 200 and a body; give its address."""
        self.routes[path] = route if callable(route) else answer(route)
        return self.root + path

    @property
    def counts(self):
        return collections.Counter(path for path, _ in self.requests)

    def _handler_class(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                server.connections += 1

            def handle(self):
                # The client went away, as some are supposed to.
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def finish(self):
                with contextlib.suppress(ConnectionError):
                    super().finish()

            def do_GET(self):
                with server.lock:
                    server.requests.append((self.path, dict(self.headers)))
                server.routes[self.path](self)

            def log_message(self, *_):
                pass

        return Handler


def answer(body=b"", status=200, **headers):
    """A route that answers; `Content_Length=None` leaves the length out."""

    def route(handler):
        fields = {"Content-Length": str(len(body))}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        handler.send_response(status)
        for name, value in fields.items():
            if value is not None:
                handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
        if fields["Content-Length"] != str(len(body)):
            handler.close_connection = True

    return route


def in_turn(*routes):
    """A route that behaves as each of these once, then as the last."""
    left = list(routes)
    lock = threading.Lock()

    def route(handler):
        with lock:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(handler)

    return route


def drip(server, start):
    """A route that sends `start` and then a byte now and then, without end."""

    def route(handler):
        handler.close_connection = True
        handler.wfile.write(start)
        while not server.end.wait(0.01):
            handler.wfile.write(b"1")

    return route
