"""Sources are opened by the name of their kind, and a wrong setting names itself."""

from decimal import Decimal
from pathlib import Path

import pytest

from connectors.model import Lists, OrderLine, PurchaseOrder, Sells, ShipTo
from connectors.registry import KINDS, _kind, open_source, read_settings
from kit.faults import FORMS
from kit.settings import SettingsError

ORDER = PurchaseOrder(
    "HP-1",
    (OrderLine("0007", 2, Decimal("12.80")),),
    ShipTo("周某某", "13900000000", "440305", "某路 1 号"),
)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"kind": "warehouse"}, "sources.s.kind: 'warehouse' is no kind of source; there are feed"),
        ({}, "sources.s.kind"),
        ({"kind": "feed", "colour": "red"}, "sources.s.colour"),
        ({"kind": "feed", "every": "hourly"}, "sources.s.every"),
        ({"kind": "feed", "columns": {"skuu": "货号"}}, "skuu is none of the unified columns"),
        ({"kind": "feed", "freight": "首1kg续2件"}, "sources.s.freight"),
        ({"kind": "feed", "encoding": "ebcdic"}, "sources.s.encoding"),
        ({"kind": "feed", "cutoff": "25:00"}, "sources.s.cutoff"),
        ({"kind": "feed", "vanish_limit": 20}, "sources.s.vanish_limit"),
        ({"kind": "feed", "send_to": "ftp://x"}, "sources.s.send_to"),
    ],
)
def test_a_wrong_setting_names_its_key(config: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_source("s", config)
    assert says in str(caught.value)


def test_a_secret_is_resolved_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEED_PASSWORD", "hunter2")
    settings = read_settings("s", {"kind": "feed", "password": "env:FEED_PASSWORD"})
    assert "hunter2" not in repr(settings)
    with pytest.raises(SettingsError, match=r"sources\.s\.password.*NOT_THERE"):
        read_settings("s", {"kind": "feed", "password": "env:NOT_THERE"})


def test_a_file_supplier_lists_and_sells(tmp_path: Path) -> None:
    source = open_source("s", {"kind": "feed", "location": str(tmp_path)})
    assert isinstance(source, Lists)
    assert isinstance(source, Sells)


@pytest.mark.parametrize(("accept", "waits"), [("manual", True), ("on_export", False)])
def test_a_purchase_waits_for_the_supplier_only_when_accepted_by_hand(
    accept: str,
    waits: bool,  # noqa: FBT001
) -> None:
    source = open_source("s", {"kind": "feed", "accept": accept})
    placed = source.place(ORDER)
    assert placed.external_refs == ("HP-1",)
    assert placed.awaits_supplier is waits
    assert source.place(ORDER) == placed
    assert source.find("HP-1") is None
    source.cancel("HP-1", "not wanted any more")


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_key_of_a_source_should_be_is_said_in_words(kind: str) -> None:
    given = {"kind": kind, "evry": "1h", "every": "often", "vanish_limit": 7, "serves": "all"}
    with pytest.raises(SettingsError) as caught:
        read_settings("x", given | {"unknown_stock": "perhaps", "stock_regions": []})
    told = str(caught.value)
    assert "sources.x.evry: there is no such key; is every meant?" in told
    assert "sources.x.every: write a span of time such as 30s" in told
    assert "sources.x.vanish_limit: give at most 1" in told
    assert "sources.x.serves: give a list" in told
    assert "sources.x.unknown_stock: give one of 'sell', 'ask' or 'hide'" in told
    assert "sources.x.stock_regions: this is empty" in told
    assert not {"Input", "Field", "Value error", "should"} & set(told.replace(":", "").split())


@pytest.mark.parametrize("kind", KINDS)
def test_every_form_that_a_key_must_have_is_said_in_words(kind: str) -> None:
    def patterns(part: object) -> set[str]:
        if isinstance(part, dict):
            own = {part["pattern"]} if isinstance(part.get("pattern"), str) else set()
            return own.union(*map(patterns, part.values()))
        return set().union(*map(patterns, part)) if isinstance(part, list) else set()

    assert patterns(_kind(kind).Settings.model_json_schema()) <= FORMS.keys()
