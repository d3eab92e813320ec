"""Every way of asking JD, in every bad moment: reads may be repeated, writes are asked about."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import NotAuthorised, OutcomeUnknown, SupplierError, TryLater
from connectors.jd_vop.source import VopSource
from connectors.model import OrderLine, PurchaseOrder, ShipTo
from connectors.trading import SourceClaim
from kit import clock
from tests.connectors.jd.conftest import Open, calm
from tests.stage import Stage

TO = ShipTo("周某某", "13900000000", "440304", "某路 1 号")
ALWAYS = {"html", "empty", "status", "drop"}

Deed = Callable[[VopSource, str, str], Any]

READS: dict[str, Deed] = {
    "prices": lambda vop, sku, ref: vop.prices([sku]),
    "stock": lambda vop, sku, ref: vop.stock([sku], "440304"),
    "read": lambda vop, sku, ref: vop.read([sku]),
    "items": lambda vop, sku, ref: next(vop.items().pages),
    "changes": lambda vop, sku, ref: vop.changes(),
    "quote": lambda vop, sku, ref: vop.quote([OrderLine(sku, 1, Decimal(999))], TO),
    "find": lambda vop, sku, ref: vop.find("HP-1"),
    "track": lambda vop, sku, ref: vop.track("HP-1"),
    "balance": lambda vop, sku, ref: vop.balance(),
}
CLASSIC_READS: dict[str, Deed] = {
    "options": lambda vop, sku, ref: vop.options(ref, sku),
    "bookings": lambda vop, sku, ref: vop.bookings(_today(), _today()),
    "claim_state": lambda vop, sku, ref: vop.claim_state(f"{ref}/{sku}/C0"),
}
WRITES: dict[str, tuple[str, Deed]] = {
    "place": ("*submitOrder", lambda vop, sku, ref: vop.place(_order(sku, "HP-2"))),
    "confirm": ("*confirmOrder", lambda vop, sku, ref: vop.confirm("HP-1")),
    "cancel": ("*order*cancel*", lambda vop, sku, ref: vop.cancel("HP-1", "why")),
}
CLASSIC_WRITES: dict[str, tuple[str, Deed]] = {
    "claim": (
        "*createAfsApply",
        lambda vop, sku, ref: vop.claim(SourceClaim("C1", ref, sku, 1, "return", "破损", TO)),
    ),
    "sent_back": (
        "*updateSendSku",
        lambda vop, sku, ref: vop.sent_back(f"{ref}/{sku}/C0", "顺丰", "SF1"),
    ),
    "withdraw": ("*auditCancel", lambda vop, sku, ref: vop.withdraw(f"{ref}/{sku}/C0", "why")),
}


def _today() -> Any:
    return clock.now().astimezone(clock.SHANGHAI).date()


def _order(sku: str, ref: str) -> PurchaseOrder:
    return PurchaseOrder(ref, (OrderLine(sku, 2, Decimal(999)),), TO)


@pytest.fixture
def vop(opened: Open) -> VopSource:
    return opened(calm())


@pytest.fixture
def held(stage: Stage, vop: VopSource) -> tuple[str, str]:
    """A hold under HP-1 of a SKU with stock: (SKU, JD's number)."""
    stage.reset(size=6)
    sku = stage.act("jd", "skus")[0]
    key = stage.act("jd", "good", sku=sku)["key"]
    stage.post("goods", platform="jd", key=key, stock=40, price=2000)
    placed = vop.place(_order(str(sku), "HP-1"))
    return str(sku), placed.external_refs[0]


def _serviced(stage: Stage, vop: VopSource, sku: str, ref: str) -> None:
    """The hold is bought and delivered, and one piece is claimed."""
    vop.confirm("HP-1")
    stage.act("jd", "deliver", order="HP-1")
    vop.claim(SourceClaim("C0", ref, sku, 1, "return", "破损", TO))


def _both(stage: Stage, vop: VopSource, deed: Deed, held: tuple[str, str], mode: str) -> None:
    """Twice it goes wrong and is got over; always, and it is to be tried later."""
    stage.fault("jd", mode, times=2)
    deed(vop, *held)
    stage.calm()
    stage.fault("jd", mode, times=0)
    with pytest.raises(TryLater):
        deed(vop, *held)


@pytest.mark.parametrize("mode", sorted(ALWAYS))
@pytest.mark.parametrize("name", READS)
def test_a_read_is_repeated_and_then_put_off(
    stage: Stage, vop: VopSource, held: tuple[str, str], name: str, mode: str
) -> None:
    _both(stage, vop, READS[name], held, mode)


@pytest.mark.parametrize("protocol", ["classic"])
@pytest.mark.parametrize("mode", sorted(ALWAYS))
@pytest.mark.parametrize("name", CLASSIC_READS)
def test_a_classic_read_is_repeated_and_then_put_off(
    stage: Stage, vop: VopSource, held: tuple[str, str], name: str, mode: str
) -> None:
    _serviced(stage, vop, *held)
    _both(stage, vop, CLASSIC_READS[name], held, mode)


def _once(stage: Stage, vop: VopSource, name: str, mode: str, held: tuple[str, str]) -> None:
    pattern, deed = (WRITES | CLASSIC_WRITES)[name]
    stage.fault("jd", mode, call=pattern, times=0, seconds=0)
    with pytest.raises(OutcomeUnknown):
        deed(vop, *held)
    struck = [each for each in stage.calls("jd") if each["fault"] == mode]
    assert len(struck) == 1


@pytest.mark.parametrize("mode", ["html", "empty", "status", "drop", "lost", "html_after"])
@pytest.mark.parametrize("name", WRITES)
def test_a_write_in_doubt_is_never_repeated(
    stage: Stage, vop: VopSource, held: tuple[str, str], name: str, mode: str
) -> None:
    _once(stage, vop, name, mode, held)


@pytest.mark.parametrize("protocol", ["classic"])
@pytest.mark.parametrize("mode", ["html", "empty", "status", "drop", "lost", "html_after"])
@pytest.mark.parametrize("name", CLASSIC_WRITES)
def test_a_classic_write_in_doubt_is_never_repeated(
    stage: Stage, vop: VopSource, held: tuple[str, str], name: str, mode: str
) -> None:
    _serviced(stage, vop, *held)
    _once(stage, vop, name, mode, held)


@pytest.mark.parametrize("name", [*READS, "place", "confirm"])
def test_a_token_that_ended_is_renewed_under_any_call(
    stage: Stage, vop: VopSource, held: tuple[str, str], name: str
) -> None:
    deed = READS[name] if name in READS else WRITES[name][1]
    before = stage.act("jd", "grants")
    stage.act("jd", "expire_tokens")
    deed(vop, *held)
    assert stage.act("jd", "grants") == before + 1


@pytest.mark.parametrize("mode", ["throttle", "ban"])
@pytest.mark.parametrize("name", [*READS, "place", "confirm"])
def test_a_budget_that_rests_stops_any_call(
    stage: Stage, vop: VopSource, held: tuple[str, str], name: str, mode: str
) -> None:
    deed = READS[name] if name in READS else WRITES[name][1]
    stage.fault("jd", mode, times=1, seconds=30)
    with pytest.raises(TryLater):
        vop.balance()
    asked = len(stage.calls("jd"))
    with pytest.raises(TryLater) as caught:
        deed(vop, *held)
    assert caught.value.wait is not None
    assert len(stage.calls("jd")) == asked


def test_wrong_credentials_are_the_accounts_fault_and_are_not_hammered(
    stage: Stage, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T_JD_SECRET", "wrong")
    source = opened(calm())
    with pytest.raises(SupplierError) as caught:
        source.balance()
    assert isinstance(caught.value, NotAuthorised) or caught.value.code
    assert "wrong" not in str(caught.value)
