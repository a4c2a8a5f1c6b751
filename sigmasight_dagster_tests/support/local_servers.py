"""Real mail and web servers on 127.0.0.1, small enough to be told what to answer."""

import json
import socketserver
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import Any, cast


@dataclass
class Received:
    """A server's port and what it was given."""

    port: int
    posts: list[Any] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    attempts: int = 0


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def web_server(*answers: int, delay: float = 0, port: int = 0) -> Iterator[Received]:
    """An HTTP server that answers with these codes in turn, the last for ever, after `delay` seconds."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            code = answers[min(received.attempts, len(answers) - 1)]
            received.attempts += 1
            sleep(delay)
            if code < 300:
                received.posts.append(body)
            try:
                self.send_response(code)
                if code // 100 == 3:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
            except BrokenPipeError:
                pass

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    received = Received(server.server_address[1])
    with _serving(server):
        yield received


class _Mail(socketserver.StreamRequestHandler):
    """RFC 5321, as much of it as a sender needs."""

    def handle(self) -> None:
        server = cast(Any, self.server)
        self.say(220, "ready")
        for line in iter(self.rfile.readline, b""):
            verb = line.split(b" ")[0].strip().upper()
            if verb == b"QUIT":
                self.say(221, "bye")
                return
            if verb == b"DATA":
                self.data(server)
            elif verb == b"RCPT":
                server.received.attempts += 1
                server.received.recipients.append(line.decode().split("<")[1].split(">")[0])
                self.say(server.answer, "secret-answer")
            elif verb == b"EHLO":
                self.say(250, "local\r\n250 AUTH PLAIN", more="-")
            elif verb == b"AUTH":
                self.login(server, line)
            else:
                self.say(250, "ok")

    def login(self, server: Any, line: bytes) -> None:
        _, user, password = b64decode(line.split()[2]).decode().split("\0")
        good = password == server.password
        server.received.logins.append(user)
        self.say(235 if good else 535, "welcome" if good else f"{user} {password} secret-answer")

    def data(self, server: Any) -> None:
        self.say(354, "go on")
        lines = list(iter(self.rfile.readline, b".\r\n"))
        server.received.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self.say(250, "taken")

    def say(self, code: int, text: str, more: str = " ") -> None:
        self.wfile.write(f"{code}{more}{text}\r\n".encode())


@contextmanager
def mail_server(answer: int = 250, port: int = 0, password: str = "") -> Iterator[Received]:
    """An SMTP server that answers recipients with this code, and knows one password."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", port), _Mail, bind_and_activate=False)
    server.allow_reuse_address = True
    server.daemon_threads = True
    server.server_bind()
    server.server_activate()
    received = Received(server.server_address[1])
    server.received, server.answer, server.password = received, answer, password  # type: ignore[attr-defined]
    with _serving(server):
        yield received
