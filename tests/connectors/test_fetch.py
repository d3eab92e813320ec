"""The road to other people's web servers: nothing inside is reached, nothing endless is read."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from connectors import fetch, hosts
from connectors.errors import NotAuthorised, Refused, SupplierError, TryLater, Unreadable
from connectors.fetch import Rules, download
from connectors.registry import open_source
from tests.far_servers import Web, web_server

HERE = Rules(1_000_000, allow_http=True, allow_private_hosts=True)
SHEET = "货号,品名,供货价\nA1,壶,88\n".encode()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "FIRST_PAUSE", 0)


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as running:
        yield running


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "0.0.0.0"),  # noqa: S104
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "240.0.0.1"),
        *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "::7f00:1"),
        *("2001:db8::1", "100::1", "2001:0:7f00:1::"),
    ],
)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not hosts.is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_an_address_outside_is_public(address: str) -> None:
    assert hosts.is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/x.csv", "https://localhost/x.csv", "https://[::1]/", "https://0/"),
        *("https://2130706433/", "https://0x7f.1/", "https://[::ffff:127.0.0.1]/"),
        "https://169.254.169.254/latest/meta-data/",
    ],
)
def test_an_inside_host_is_refused_in_every_spelling(url: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        download(url, tmp_path / "x", Rules(1000))
    assert caught.value.code == "private-host"
    assert "allow_private_hosts" in str(caught.value)


def test_one_inside_address_among_several_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("1.1.1.1", "10.0.0.7")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(Refused, match=r"10\.0\.0\.7"):
        hosts.checked("two-faced.example", 443, allow_private=False)


def test_the_connection_goes_to_the_address_that_was_checked(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, port: int, *more: Any, **named: Any) -> Any:
        if host == "rebinds.example":
            asked.append(host)
            assert len(asked) == 1, "the name was looked up again after the check"
            return real("127.0.0.1", port, *more, **named)
        return real(host, port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    web.file("/list.csv", SHEET)
    download(f"http://rebinds.example:{web.port}/list.csv", tmp_path / "x", HERE)
    assert web.seen[0][1]["Host"] == f"rebinds.example:{web.port}"


@pytest.mark.parametrize(
    "url", ["http://1.1.1.1/x", "file:///etc/passwd", "gopher://x/", "https:///x"]
)
def test_only_https_is_fetched_by_default(url: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        download(url, tmp_path / "x", Rules(1000))
    assert caught.value.code == "scheme"


def test_a_file_is_fetched_with_its_date(web: Web, tmp_path: Path) -> None:
    web.file("/list.csv", SHEET, Last_Modified="Tue, 24 Nov 2026 04:00:00 GMT")
    fetched = download(f"{web.url}/list.csv", tmp_path / "x", HERE)
    assert fetched.path.read_bytes() == SHEET
    assert fetched.modified == datetime(2026, 11, 24, 4, tzinfo=UTC)


def test_every_redirect_is_checked(web: Web, tmp_path: Path) -> None:
    for target in ("http://169.254.169.254/latest", "file:///etc/passwd", "gopher://10.0.0.1/"):
        web.file("/away", b"", 302, Location=target)
        with pytest.raises(Refused):
            with_private_targets_refused(f"{web.url}/away", tmp_path)


def with_private_targets_refused(url: str, folder: Path) -> None:
    """The first host is let through, as a public one would be; the redirect's is not."""
    real, calls = hosts.checked, []

    def first_is_public(host: str, port: int, *, allow_private: bool) -> str:
        calls.append(host)
        return real(host, port, allow_private=len(calls) == 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hosts, "checked", first_is_public)
        download(url, folder / "x", Rules(1000, allow_http=True))


def test_redirects_are_followed_five_times_at_most(web: Web, tmp_path: Path) -> None:
    web.file("/6", SHEET)
    for step in range(6):
        web.file(f"/{step}", b"", 302, Location=f"/{step + 1}")
    assert download(f"{web.url}/1", tmp_path / "x", HERE).path.read_bytes() == SHEET
    with pytest.raises(Refused, match="redirects"):
        download(f"{web.url}/0", tmp_path / "x", HERE)


def test_credentials_do_not_follow_a_redirect_to_another_host(web: Web, tmp_path: Path) -> None:
    web.file("/start", b"", 302, Location=f"http://localhost:{web.port}/list.csv")
    web.file("/list.csv", SHEET)
    download(f"{web.url}/start", tmp_path / "x", HERE, auth=("tea", "leaf"))
    first, second = (headers for _, headers in web.seen)
    assert "Authorization" in first
    assert "Authorization" not in second


def test_an_endless_file_is_cut_off(web: Web, tmp_path: Path) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b"a" * 65536)

    web.pages["/endless"] = endless
    with pytest.raises(Unreadable) as caught:
        download(f"{web.url}/endless", tmp_path / "x", HERE)
    assert caught.value.code == "too-large"
    assert (tmp_path / "x").stat().st_size <= HERE.max_bytes


def test_a_stated_size_is_believed_when_it_is_too_large(web: Web, tmp_path: Path) -> None:
    web.file("/big", b"", Content_Length="10000000000")
    with pytest.raises(Unreadable, match="max_bytes"):
        download(f"{web.url}/big", tmp_path / "x", HERE)


def test_a_truncated_file_is_not_a_file(web: Web, tmp_path: Path) -> None:
    web.file("/cut", SHEET[:10], Content_Length=str(len(SHEET)))
    with pytest.raises(TryLater):
        download(f"{web.url}/cut", tmp_path / "x", HERE)
    assert len(web.seen) == fetch.ATTEMPTS


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, NotAuthorised), (403, NotAuthorised), (404, Unreadable), (410, Unreadable)],
)
def test_a_refusal_is_not_repeated(
    web: Web, tmp_path: Path, status: int, kind: type[SupplierError]
) -> None:
    web.file("/x", b"no", status)
    with pytest.raises(kind):
        download(f"{web.url}/x", tmp_path / "x", HERE)
    assert len(web.seen) == 1


def test_a_busy_server_is_asked_again(web: Web, tmp_path: Path) -> None:
    def busy_once(request: BaseHTTPRequestHandler) -> None:
        web.file("/x", SHEET)
        request.send_error(503)

    web.pages["/x"] = busy_once
    assert download(f"{web.url}/x", tmp_path / "x", HERE).path.read_bytes() == SHEET


def test_a_ban_is_not_answered_with_calls(web: Web, tmp_path: Path) -> None:
    web.file("/x", b"", 429, Retry_After="3600")
    with pytest.raises(TryLater) as caught:
        download(f"{web.url}/x", tmp_path / "x", HERE)
    assert caught.value.wait == 3600
    assert len(web.seen) == 1


def test_a_page_is_no_price_list(web: Web, tmp_path: Path) -> None:
    web.file("/login", b"<html>login</html>", Content_Type="text/html; charset=utf-8")
    with pytest.raises(Unreadable, match="a page and not a price list"):
        download(f"{web.url}/login", tmp_path / "x", HERE)


def test_secrets_of_an_address_never_show(web: Web, tmp_path: Path) -> None:
    web.file("/x", b"", 404)
    address = f"http://tea:leaf@127.0.0.1:{web.port}/x?token=s3cret"
    with pytest.raises(Unreadable) as caught:
        download(address, tmp_path / "x", HERE)
    assert not {"leaf", "s3cret"} & set(str(caught.value).replace("/", " ").split())
    assert "s3cret" not in str(caught.value)
    assert "leaf" not in str(caught.value)


def test_an_unknown_host_is_tried_later(tmp_path: Path) -> None:
    with pytest.raises(TryLater, match="does not resolve"):
        download("https://no-such-host.invalid/x", tmp_path / "x", Rules(1000))


def test_a_feed_is_read_from_the_web(web: Web) -> None:
    web.file("/out/%E6%B8%85%E5%8D%95.csv", SHEET, Last_Modified="Tue, 24 Nov 2026 04:00:00 GMT")
    source = open_source(
        "s",
        {
            "kind": "feed",
            "location": f"{web.url}/out/%E6%B8%85%E5%8D%95.csv?key=1",
            "allow_http": True,
            "allow_private_hosts": True,
        },
    )
    listing = source.items()
    rows = [row for page in listing.pages for row in page.rows.to_dicts()]
    assert [(row["file"], row["external_id"]) for row in rows] == [("清单.csv", "A1")]
    assert listing.as_of == datetime(2026, 11, 24, 4, tzinfo=UTC)
