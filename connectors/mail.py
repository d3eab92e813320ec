"""Mail out over one SMTP server, with an answer to the one question that matters: did it leave?"""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from connectors.errors import NotAuthorised, OutcomeUnknown, Refused, SupplierError, TryLater
from connectors.trading import OutgoingSheet
from kit.settings import MailSettings

TIMEOUT = 30.0
_ADDRESS = re.compile(r"[^\s@<>,;:\"]{1,64}@[^\s@<>,;:\"]{1,255}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")


@dataclass(frozen=True)
class Server:
    """Where mail is handed in. `tls`: from the first byte on; else by STARTTLS, which only a server
    on this machine may lack."""

    host: str
    port: int
    tls: bool
    username: str = ""


def server(smtp: str) -> Server:
    """`smtp://user@host:587`, `smtps://user@host`, or `host:25`. Raises NotAuthorised."""
    if not smtp:
        raise NotAuthorised("no-mail", "no mail server is set: fill in smtp under [mail]")
    try:
        url = urlsplit(smtp if "://" in smtp else f"smtp://{smtp}")
        port = url.port
    except ValueError as error:
        raise NotAuthorised("bad-smtp", "smtp under [mail] is no address of a server") from error
    if url.scheme not in ("smtp", "smtps") or not url.hostname:
        raise NotAuthorised("bad-smtp", "smtp under [mail] reads smtp://HOST:587 or smtps://HOST")
    tls = url.scheme == "smtps"
    return Server(url.hostname, port or (465 if tls else 587), tls, unquote(url.username or ""))


def recipients(send_to: str) -> list[str]:
    """The addresses of a mailto: link. Raises Refused where one is none."""
    named = unquote(send_to.removeprefix("mailto:").partition("?")[0]).split(",")
    found = [one.strip() for one in named]
    if wrong := [one for one in found if not _ADDRESS.fullmatch(one)]:
        raise Refused("bad-address", f"send_to holds what is no mail address: {wrong[0][:80]!r}")
    return found


def send(settings: MailSettings, send_to: str, sheet: OutgoingSheet) -> None:
    """Hand the sheet in for every address of `send_to`; the same sheet is always the same mail.

    Raises TryLater (it did not leave), Refused or NotAuthorised (it will not), or OutcomeUnknown:
    it may have left.
    """
    where, to = server(settings.smtp), recipients(send_to)
    sender = settings.sender or where.username or f"huopan@{where.host}"
    if not _ADDRESS.fullmatch(sender):
        sender = f"huopan@{where.host}"
    content = message(sheet, sender, to).as_bytes(policy=SMTP)
    with _before(where), _connected(where, settings) as mail:
        with _before(where):
            _answered(*mail.mail(sender))
            for one in to:
                _answered(*mail.rcpt(one))
        try:
            _answered(*mail.data(content))
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise OutcomeUnknown("cut-off", f"{where.host} broke off at the end") from error


def message(sheet: OutgoingSheet, sender: str, to: list[str]) -> EmailMessage:
    """The mail that carries a sheet: byte for byte the same whenever it is made."""
    mail = EmailMessage()
    mail["From"] = Address("货盘", addr_spec=sender)
    mail["To"] = ", ".join(to)
    mail["Subject"] = sheet.subject
    mail["Date"] = format_datetime(sheet.at)
    mail["Message-ID"] = f"<{sheet.reference}@{sender.rpartition('@')[2]}>"
    mail.set_content(sheet.text)
    mail.add_attachment(sheet.content, *_XLSX, filename=sheet.name)
    mail.set_boundary(f"=={sheet.reference}==")
    return mail


@contextmanager
def _before(where: Server) -> Iterator[None]:
    """Whatever breaks off in here: no mail has left yet."""
    try:
        yield
    except SupplierError:
        raise
    except smtplib.SMTPResponseException as error:
        _answered(error.smtp_code, bytes(str(error.smtp_error), "utf-8"))
        raise TryLater("smtp", f"{where.host} gave an answer that means nothing") from error
    except ssl.SSLError as error:
        raise NotAuthorised("tls", f"{where.host} does not prove who it is: {error}") from error
    except (smtplib.SMTPException, OSError) as error:
        told = str(error) or type(error).__name__
        raise TryLater("network", f"{where.host}: {told}") from error


@contextmanager
def _connected(where: Server, settings: MailSettings) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    if where.tls:
        mail: smtplib.SMTP = smtplib.SMTP_SSL(
            where.host, where.port, timeout=TIMEOUT, context=context
        )
    else:
        mail = smtplib.SMTP(where.host, where.port, timeout=TIMEOUT)
    try:
        mail.ehlo()
        if not where.tls:
            _secured(mail, where, context)
        if where.username and settings.password is not None:
            _logged_in(mail, where.username, settings.password.get_secret_value())
        yield mail
    finally:
        mail.close()


def _secured(mail: smtplib.SMTP, where: Server, context: ssl.SSLContext) -> None:
    if mail.has_extn("starttls"):
        _answered(*mail.starttls(context=context))
        mail.ehlo()
    elif where.host not in _LOOPBACK:
        raise NotAuthorised(
            "no-tls", f"{where.host} takes mail without TLS only; use a server that offers STARTTLS"
        )


def _logged_in(mail: smtplib.SMTP, username: str, password: str) -> None:
    try:
        mail.login(username, password)
    except smtplib.SMTPAuthenticationError as error:
        raise NotAuthorised("login", "the mail server refuses our user name or password") from error
    except smtplib.SMTPNotSupportedError as error:
        raise NotAuthorised("login", "the mail server offers no way to log in") from error


def _answered(code: int, said: bytes) -> None:
    """Raises what an answer of the server means, unless it is a yes."""
    if 200 <= code < 400:
        return
    told = " ".join(said.decode("utf-8", "replace").split())[:200]
    if code == 421 or 400 <= code < 500:
        raise TryLater(str(code), f"the mail server says: {told}")
    raise Refused(str(code), f"the mail server refuses: {told}")
