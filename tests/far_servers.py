"""Real HTTP, FTP, SFTP and mail servers on loopback for tests."""

import contextlib
import os
import socket
import socketserver
import threading
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import paramiko

with warnings.catch_warnings():  # Python 3.11 still brings the asyncore that pyftpdlib builds on
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import FTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Web:
    """An HTTP server: `pages` maps a path to what answers it; `seen` are the requests."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.seen.append((self.path, dict(self.headers.items())))
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    web.pages[self.path.partition("?")[0]](self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing on the test's terminal."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"

    def file(self, path: str, content: bytes, status: int = 200, **headers: str) -> None:
        """Answer `path` with `content`; header names are written with `_` for `-`."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            for name, value in headers.items():
                request.send_header(name.replace("_", "-"), value)
            if "Content_Length" not in headers:
                request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            request.wfile.write(content)

        self.pages[path] = answer


@contextlib.contextmanager
def web_server() -> Iterator[Web]:
    """A running `Web`."""
    web = Web()
    with _serving(web.server):
        yield web


@contextlib.contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    """`server` answers while the block runs."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def ftp_server(folder: Path, lying_address: str | None = None) -> Iterator[int]:
    """An FTP server over `folder` for user `tea`, password `leaf`; yields its port.

    `lying_address` is what it answers to PASV instead of its own address.
    """
    authorizer = DummyAuthorizer()
    authorizer.add_user("tea", "leaf", str(folder), perm="elr")

    class Handler(FTPHandler):  # type: ignore[misc]  # pyftpdlib ships no types
        masquerade_address = lying_address
        permit_foreign_addresses = False
        use_sendfile = False
        auth_failed_timeout = 0

    Handler.authorizer = authorizer
    server = FTPServer(("127.0.0.1", 0), Handler)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            server.serve_forever(timeout=0.01, blocking=False)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.address[1]
    finally:
        stop.set()
        thread.join()
        server.close_all()


class Post:
    """A mail server: `mails` are (recipients, content) that it took; `mood` what it does at the
    end of one: take, refuse, later, or drop (takes it and says nothing)."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bytes]] = []
        self.mood = "take"
        post = self

        class Talk(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                to: list[str] = []
                self.say("220 post")
                while line := self.rfile.readline().strip():
                    word = line[:4].upper()
                    if word == b"DATA":
                        self.say("354 go on")
                        post.mails.append((to, self.content()))
                        if post.mood == "drop":
                            return
                        ends = {"take": "250 ok", "refuse": "554 no", "later": "451 busy"}
                        if post.mood != "take":
                            post.mails.pop()
                        self.say(ends[post.mood])
                        to = []
                        continue
                    if word == b"RCPT":
                        to.append(line.partition(b"<")[2].rstrip(b">").decode())
                    self.say("221 bye" if word == b"QUIT" else "250 ok")

            def content(self) -> bytes:
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                return b"".join(lines)

            def say(self, words: str) -> None:
                self.wfile.write(f"{words}\r\n".encode())

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
        self.server.daemon_threads = True
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"


@contextlib.contextmanager
def mail_server() -> Iterator[Post]:
    """A running `Post`."""
    post = Post()
    with _serving(post.server):
        yield post


class _Door(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        good = (username, password) == ("tea", "leaf")
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


def _files_below(folder: Path, renamed: Callable[[], None]) -> type[paramiko.SFTPServerInterface]:
    class Files(paramiko.SFTPServerInterface):
        def _real(self, path: str) -> str:
            return str(folder) + self.canonicalize(path)

        def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
            return [
                paramiko.SFTPAttributes.from_stat(entry.stat(), entry.name)
                for entry in os.scandir(self._real(path))
            ]

        def stat(self, path: str) -> paramiko.SFTPAttributes | int:
            try:
                return paramiko.SFTPAttributes.from_stat(os.stat(self._real(path)))
            except FileNotFoundError:
                return paramiko.SFTP_NO_SUCH_FILE

        lstat = stat

        def open(
            self, path: str, flags: int, attr: paramiko.SFTPAttributes
        ) -> paramiko.SFTPHandle | int:
            handle = paramiko.SFTPHandle(flags)
            writes = flags & (os.O_WRONLY | os.O_RDWR)
            try:
                file = open(self._real(path), "wb" if writes else "rb")  # noqa: SIM115
            except FileNotFoundError:
                return paramiko.SFTP_NO_SUCH_FILE
            handle.readfile = handle.writefile = file  # type: ignore[attr-defined]
            return handle

        def posix_rename(self, oldpath: str, newpath: str) -> int:
            os.replace(self._real(oldpath), self._real(newpath))
            renamed()
            return paramiko.SFTP_OK

    return Files


@contextlib.contextmanager
def sftp_server(folder: Path, key: paramiko.PKey, *, breaks: int = 0) -> Iterator[int]:
    """An SFTP server over `folder` for user `tea`, password `leaf`; yields its port. So many times
    it `breaks` off when a file is where it belongs."""
    breaking = iter(range(breaks))
    listener = socket.create_server(("127.0.0.1", 0))
    transports: list[paramiko.Transport] = []

    def renamed() -> None:
        if next(breaking, None) is not None:
            transports[-1].close()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            transport.set_subsystem_handler(
                "sftp", paramiko.SFTPServer, _files_below(folder, renamed)
            )
            transports.append(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):  # a wary client
                transport.start_server(server=_Door())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for transport in transports:
            transport.close()
            transport.join()
