"""Price lists on SFTP and FTP servers that prove who they are, and on HTTPS servers that must."""

import base64
import hashlib
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paramiko
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors import fetch
from connectors.errors import NotAuthorised, Refused, SupplierError, TryLater, Unreadable
from connectors.fetch import Rules, download
from connectors.registry import open_source
from tests.far_servers import ftp_server, sftp_server, web_server

SHEET = "货号,品名,供货价\n{},壶,88\n"


@pytest.fixture(scope="module")
def key() -> paramiko.PKey:
    return paramiko.ECDSAKey.generate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    below = tmp_path / "out"
    below.mkdir()
    for name in ("a", "b"):
        (below / f"{name}.csv").write_text(SHEET.format(name.upper()))
    (below / "notes.txt").write_text("nothing")
    return below


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "FIRST_PAUSE", 0)


def fingerprint(key: paramiko.PKey) -> str:
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def read(location: str, **config: object) -> list[str]:
    """The external ids that a location gives."""
    source = open_source(
        "s",
        {
            "kind": "feed",
            "location": location,
            "username": "tea",
            "password": "env:FAR_PASSWORD",
            "allow_private_hosts": True,
        }
        | config,
    )
    return [row["external_id"] for page in source.items().pages for row in page.rows.to_dicts()]


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAR_PASSWORD", "leaf")


def test_sftp_reads_every_file_of_a_pattern(folder: Path, key: paramiko.PKey) -> None:
    with sftp_server(folder, key) as port:
        where = f"sftp://127.0.0.1:{port}"
        assert read(f"{where}/*.csv", host_key=fingerprint(key)) == ["A", "B"]
        assert read(f"{where}/b.csv", host_key=fingerprint(key)) == ["B"]


def test_sftp_knows_servers_from_a_file(folder: Path, key: paramiko.PKey, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    with sftp_server(folder, key) as port:
        known.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
        assert read(f"sftp://127.0.0.1:{port}/a.csv", known_hosts=str(known)) == ["A"]
        other = paramiko.ECDSAKey.generate()
        known.write_text(f"[127.0.0.1]:{port} {other.get_name()} {other.get_base64()}\n")
        with pytest.raises(NotAuthorised, match="another key"):
            read(f"sftp://127.0.0.1:{port}/a.csv", known_hosts=str(known))


def test_sftp_trusts_no_unknown_server(folder: Path, key: paramiko.PKey) -> None:
    other = fingerprint(paramiko.ECDSAKey.generate())
    with sftp_server(folder, key) as port:
        for config in ({}, {"host_key": other}):
            with pytest.raises(NotAuthorised, match="host_key") as caught:
                read(f"sftp://127.0.0.1:{port}/a.csv", **config)
            assert fingerprint(key) in str(caught.value)


def test_sftp_faults_say_what_to_do_next(
    folder: Path, key: paramiko.PKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = fingerprint(key)
    with sftp_server(folder, key) as port:
        where = f"sftp://127.0.0.1:{port}"
        for path in ("/missing.csv", "/*.xlsx"):
            with pytest.raises(Unreadable) as caught:
                read(f"{where}{path}", host_key=mine)
            assert caught.value.code == "no-file"
        with pytest.raises(Unreadable, match="max_bytes"):
            read(f"{where}/a.csv", host_key=mine, max_bytes=5)
        with pytest.raises(Refused, match="allow_private_hosts"):
            read(f"{where}/a.csv", host_key=mine, allow_private_hosts=False)
        monkeypatch.setenv("FAR_PASSWORD", "wrong-one")
        with pytest.raises(NotAuthorised) as refused:
            read(f"{where}/a.csv", host_key=mine)
        assert "wrong-one" not in str(refused.value)
    with pytest.raises(TryLater):
        read(f"{where}/a.csv", host_key=mine)


def test_ftp_reads_every_file_of_a_pattern(folder: Path) -> None:
    with ftp_server(folder) as port:
        assert read(f"ftp://127.0.0.1:{port}/*.csv") == ["A", "B"]
        assert read(f"ftp://127.0.0.1:{port}/b.csv") == ["B"]


def test_ftp_data_goes_to_the_control_host_whatever_the_server_says(folder: Path) -> None:
    with ftp_server(folder, lying_address="10.255.255.1") as port:
        assert read(f"ftp://127.0.0.1:{port}/a.csv") == ["A"]


def test_ftp_faults_say_what_to_do_next(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ftp_server(folder) as port:
        where = f"ftp://127.0.0.1:{port}"
        for path in ("/missing.csv", "/*.xlsx"):
            with pytest.raises(Unreadable) as caught:
                read(f"{where}{path}")
            assert caught.value.code == "no-file"
        with pytest.raises(Unreadable, match="max_bytes"):
            read(f"{where}/a.csv", max_bytes=5)
        with pytest.raises(Refused, match="allow_private_hosts"):
            read(f"{where}/a.csv", allow_private_hosts=False)
        monkeypatch.setenv("FAR_PASSWORD", "wrong-one")
        with pytest.raises(NotAuthorised) as refused:
            read(f"{where}/a.csv")
        assert "wrong-one" not in str(refused.value)
    with pytest.raises(TryLater):
        read(f"{where}/a.csv")


@pytest.mark.parametrize(
    "location", ["smb://host/x.csv", "sftp://tea:leaf@host/x.csv", "sftp://host:port/x", "ftp:///x"]
)
def test_a_strange_location_is_refused_before_anything_is_sent(location: str) -> None:
    with pytest.raises(SupplierError) as caught:
        read(location)
    assert "leaf" not in str(caught.value)


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """`*.tea.example` is this machine."""
    real = socket.getaddrinfo

    def named(host: str, port: int, *more: Any, **words: Any) -> Any:
        return real("127.0.0.1" if host.endswith(".tea.example") else host, port, *more, **words)

    monkeypatch.setattr(socket, "getaddrinfo", named)


def certificate(name: str, folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for `name`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(own, own, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "tls.crt", folder / "tls.key"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A web server that can prove to be list.tea.example, and nothing else; its port."""
    crt, private = certificate("list.tea.example", tmp_path)
    trusting = ssl.create_default_context(cafile=str(crt))
    monkeypatch.setattr(fetch, "_tls", lambda: trusting)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, private)
    with web_server() as web:
        web.server.socket = context.wrap_socket(web.server.socket, server_side=True)
        web.file("/a.csv", SHEET.format("A").encode())
        yield web.port


@pytest.mark.usefixtures("pinned")
def test_https_proves_the_name_and_not_the_address(secure: int, tmp_path: Path) -> None:
    rules = Rules(1000, allow_private_hosts=True)
    download(f"https://list.tea.example:{secure}/a.csv", tmp_path / "x", rules)
    for name in ("other.tea.example", "127.0.0.1"):
        with pytest.raises(TryLater, match="certificate"):
            download(f"https://{name}:{secure}/a.csv", tmp_path / "x", rules)
