"""moto as an S3 server on a port that the system chooses, one request at a time; it also answers as Google Cloud Storage."""

import sys
import threading

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

application = DomainDispatcherApplication(create_backend_app)
lock = threading.Lock()


class Handler(WSGIRequestHandler):
    # One request for each connection.
    protocol_version = "HTTP/1.0"

    def log(self, *_):
        pass


def serve(environ, start):
    # Google's name of the same condition.
    if environ.get("HTTP_X_GOOG_IF_GENERATION_MATCH") == "0":
        environ["HTTP_IF_NONE_MATCH"] = "*"

    def with_generation(status, headers, *rest):
        return start(status, [*headers, ("x-goog-generation", "1")], *rest)

    # moto looks whether an object is there and writes it in two steps. A real store does it in one.
    with lock:
        return [b"".join(application(environ, with_generation))]


server = make_server("127.0.0.1", 0, serve, threaded=True, request_handler=Handler)
print(server.server_port, flush=True)
# Ends when whoever started it ends.
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
