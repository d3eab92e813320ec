"""A new key takes the former one's place everywhere, while work goes on; then the former may go."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from connectors.tokens import SourceToken, Token, Tokens
from kit.chores import Chore
from kit.crypto import CannotOpen, Keyring, new_key
from kit.db import Database
from kit.errors import Problem
from kit.rewrapping import Column
from sync.sources import with_recorded
from tests.sealing import BACK, filled_house, opened, standing
from tests.trade.market import HOME, NOW
from tests.trade.test_sheets import import_sheet, workbook
from tests.trade.test_supplier_door import Shop as DoorShop
from tests.worker.conftest import Works, make_settings
from trade import forgetting, limits, recipients
from trade.models import Audit, Recipient
from trade.sealed import PLACES
from worker import rekeying
from worker.chores import CHORES
from worker.cron import perform

NO_ENVELOPES = {
    "deliveries.body": "an event, which names nobody",
    "fenxiao_requisitions.mobile_tail": "a keyed hash until its requisition is known",
    "fenxiao_requisitions.recipient": "a keyed hash until its requisition is known",
    "idempotency_keys.request_hash": "a hash",
    "imported_orders.mobile_hash": "a keyed hash, made anew with its envelope",
    "key_canaries.envelope": "sealed with the key that it stands for",
    "live_answers.address": "a keyed hash that counts for some minutes",
    "media.digest": "a hash",
    "media.hash": "a keyed hash: another key gives pictures other names",
    "media_chunks.content": "a picture of goods",
    "media_chunks.hash": "a keyed hash",
    "offers.content_hash": "a hash",
    "order_imports.digest": "a keyed hash; its orders are known by their references",
    "recipients.address_hash": "a keyed hash, made anew with its envelope",
    "recipients.mobile_hash": "a keyed hash, made anew with its envelope",
    "tokens.hash": "a hash",
}
"""Columns of bytes that no rotation re-wraps, and what they are."""


def turned(works: Works) -> Keyring:
    """A ring with a new key before the one of the workshop."""
    return Keyring.from_text(new_key(), [_text(works.shop.desk.keyring.current)])


def _text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()


def placed(works: Works, orders: int) -> Column:
    """So many orders, and the place of their recipients."""
    goods = works.market.offer()
    leader = works.market.party(money=100_000)
    for _ in range(orders):
        works.market.place(leader, (goods.sku, 1))
    return PLACES[0]


def test_every_column_of_bytes_is_known_to_rotation_or_known_to_be_no_envelope(
    database: Database,
) -> None:
    with database.as_system() as session:
        named = text(
            "SELECT table_name || '.' || column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'bytea'"
        )
        columns = set(session.scalars(named))
    places = {place.name for place in PLACES}
    assert places - columns == set()
    assert columns - places == set(NO_ENVELOPES)


def test_a_new_key_reaches_every_envelope_and_hash_and_the_former_one_may_go(works: Works) -> None:
    shop = filled_house(works.market, works.shop.settings)
    old, ring = works.shop.desk.keyring, turned(works)
    with works.shop.db.as_system() as session:
        before = {use.key: use for use in rekeying.uses(session, ring)}
        assert set(before[old.name].places) == {place.name for place in rekeying.PLACES}
        content = sorted(opened(session, old))
        assert rekeying.retire(session, ring, old.name) == before[old.name].envelopes
    whole = rekeying.rotate(works.shop.db, ring, lambda _: None)
    assert (whole.done, whole.broken) == (before[old.name].envelopes, 0)
    assert rekeying.rotate(works.shop.db, ring, lambda _: None).done == 0
    alone = Keyring(ring.current)
    with works.shop.db.as_system() as session:
        assert sorted(opened(session, alone)) == content
        uses = {use.key: use.envelopes for use in rekeying.uses(session, ring)}
        assert uses == {ring.name: whole.done, old.name: 0}
        assert rekeying.retire(session, ring, old.name) == 0
        assert standing(session, bytes.fromhex(old.name)) == set()
        hashes = session.execute(text("SELECT DISTINCT mobile_hash FROM recipients")).scalars()
        assert [bytes(one) for one in hashes] == [alone.fingerprint(HOME.mobile, "mobile")]
    found = _under(works, alone)
    assert found == "schlüssel"
    token = Tokens(works.shop.db, alone).get("far", "account", _never)
    assert token.access == "access"
    with works.shop.db.as_system() as session:
        assert forgetting.forget(session, alone, HOME.name, HOME.mobile, NOW).recipients > 0
    assert shop.seen()["ship_to"]


def _never(_: Token | None) -> Token:
    raise AssertionError("the platform is asked for a token that is kept")


def _under(works: Works, ring: Keyring) -> str:
    """The secret of the recorded source, as read under this ring."""
    path = works.shop.settings.data.dir / "alone.key"
    path.write_text(_text(ring.current))
    security = works.shop.settings.security.model_copy(update={"key": f"file:{path}"})
    chosen = works.shop.settings.model_copy(update={"security": security})
    with works.shop.db.as_system() as session:
        secret = with_recorded(session, chosen).sources["far"]["password"]
    return str(secret.get_secret_value())


def test_people_are_found_by_either_key_while_some_hashes_are_old(works: Works) -> None:
    market, ring = works.market, turned(works)
    shop = DoorShop(market)
    moved = replace(market, desk=replace(market.desk, keyring=ring))
    assert len(limits.keyed(ring, HOME.mobile)) == 2
    with market.db.as_system() as session:
        [person] = session.scalars(select(Recipient))
        assert recipients.mobile_hashes(ring, person) == limits.keyed(ring, HOME.mobile)
    sheet = [
        ["收件人", "电话", "商品编码", "快递公司", "快递单号"],
        [HOME.name, HOME.mobile, shop.goods.external_id, "顺丰", "SF1234567890"],
    ]
    assert import_sheet(moved, workbook(*sheet)).shipped == 1


def test_a_row_that_somebody_is_at_waits_for_the_next_walk(works: Works) -> None:
    people, ring = placed(works, 2), turned(works)
    with works.shop.db.as_system() as session:
        session.execute(text("SELECT FROM recipients LIMIT 1 FOR UPDATE"))
        with works.shop.db.as_system() as other:
            assert people.turn(other, ring, None).done == 1
    with works.shop.db.as_system() as session:
        assert people.turn(session, ring, None).done == 1


def test_what_comes_in_meanwhile_under_the_former_key_is_reached_too(works: Works) -> None:
    people, ring, came = placed(works, 1), turned(works), []

    def step(_: int) -> None:
        if not came:
            came.append(works.market.place(works.market.party(money=10_000), (goods.sku, 1)))

    goods = works.market.offer()
    assert rekeying.rotate(works.shop.db, ring, step).done == 4  # and what was ordered
    with works.shop.db.as_system() as session:
        assert people.count(session) == {ring.name: 2}


def test_an_altered_envelope_stops_no_other_one(works: Works) -> None:
    people = placed(works, 2)
    with works.shop.db.as_system() as session:
        spoil = """UPDATE recipients SET envelope = overlay(envelope PLACING '\\x00'::bytea FROM 20)
                   WHERE id = (SELECT min(id) FROM recipients)"""
        session.execute(text(spoil))
        turn = people.turn(session, turned(works), None)
    assert (turn.done, turn.broken) == (1, 1)


def test_small_windows_lead_through_a_place_as_well(works: Works) -> None:
    people, ring, after, done = replace(placed(works, 5), window=2), turned(works), None, []
    with works.shop.db.as_system() as session:
        while not done or after is not None:
            turn = people.turn(session, ring, after)
            done, after = [*done, turn.done], turn.after
    assert done == [2, 2, 1]


def test_cron_rotates_by_itself_and_rests_when_all_is_done(works: Works, tmp_path: Path) -> None:
    placed(works, 1)
    former = f"file:{works.shop.settings.data.dir / 'secret.key'}"
    (tmp_path / "next.key").write_text(new_key())
    security = {"key": f"file:{tmp_path / 'next.key'}", "previous_keys": [former]}
    url, redis = works.shop.given.database.url, works.shop.given.redis.url
    shop = replace(works.shop, given=make_settings(url, redis, tmp_path, security=security))
    for walk in range(2):
        while perform(shop, "rotate_keys"):
            continue
        with shop.db.as_system() as session:
            last = session.get_one(Chore, "rotate_keys")
            assert last.result["walk"]["done"] == (0 if walk else 2)
            last.due_at = NOW
    with shop.db.as_system() as session:
        (told,) = session.scalars(select(Audit)).all()
        assert (told.action, told.subject) == ("keys.rotate", f"key {shop.desk.keyring.name}")
        assert CHORES["rotate_keys"].work(shop, session, last.result) is last.result


def test_the_current_key_and_an_unknown_one_are_not_retired(works: Works) -> None:
    keyring = works.shop.desk.keyring
    with works.shop.db.as_system() as session:
        with pytest.raises(Problem, match="current key"):
            rekeying.retire(session, keyring, keyring.name)
        with pytest.raises(Problem, match="no key"):
            rekeying.retire(session, keyring, "00000000")


def test_an_envelope_whose_key_is_absent_says_which_one(works: Works) -> None:
    placed(works, 1)
    name = works.shop.desk.keyring.name
    with works.shop.db.as_system() as session, pytest.raises(CannotOpen, match=name):
        list(opened(session, Keyring(b"z" * 32)))


def test_a_token_kept_before_its_origin_was_marked_is_still_good(works: Works) -> None:
    kept = Tokens(works.shop.db, works.shop.desk.keyring)
    kept.put("far", "account", Token("access", BACK))
    with works.shop.db.as_system() as session:
        session.get_one(SourceToken, "far").origin = None
    assert Tokens(works.shop.db, works.shop.desk.keyring).get("far", "x", _never).refresh == BACK
