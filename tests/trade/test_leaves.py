"""What leaves of a platform's tree tell of parcels, in whatever order and however often: units left
once, and a number is new goods, a further box, or takes another one's place. Pure."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.trading import Part, SourceParcel
from trade.models import PurchaseLine
from trade.parcels import leaves
from trade.parcels.leaves import Known

TEA, CUP = "tea", "cup"


def leaf(
    ref: str, goods: Mapping[str, int], *numbers: str, state: str = "shipped", **told: int
) -> Part:
    """A leaf with its parcels; `told` are units of tea in each of them, by number."""
    parcels = tuple(
        SourceParcel("顺丰", number, lines=((TEA, told[number]),) if number in told else ())
        for number in numbers
    )
    return Part(ref, state if numbers else "open", tuple(goods.items()), parcels)  # type: ignore[arg-type]


@dataclass
class Book:
    """A purchase of some units, and its parcels as they are written down."""

    bought: Mapping[str, int]
    lines: dict[int, PurchaseLine] = field(init=False)
    parcels: dict[str, dict[int, int]] = field(default_factory=dict)
    arrived: set[str] = field(default_factory=set)
    changes: int = 0

    def __post_init__(self) -> None:
        self.lines = {
            number: PurchaseLine(
                line=number, external_id=sku, quantity=units, shipped=0, cancelled=0
            )
            for number, (sku, units) in enumerate(self.bought.items(), 1)
        }

    @property
    def known(self) -> list[Known]:
        return [
            Known(number, dict(units), number in self.arrived)
            for number, units in self.parcels.items()
        ]

    def told(self, *parts: Part) -> dict[str, dict[int, int]]:
        """The platform tells of these leaves; the parcels as they are then."""
        for deed in leaves.deeds(self.lines, parts, self.known):
            self.changes += 1
            number = deed.parcel.tracking_number
            if deed.what == "was":
                self.parcels[number] = self.parcels.pop(deed.was)
            there = self.parcels.setdefault(number, {})
            if deed.what == "merged":
                for line, units in self.parcels.pop(deed.was).items():
                    there[line] = there.get(line, 0) + units
            for line, units in deed.units.items():
                there[line] = there.get(line, 0) + units
                self.lines[line].shipped += units
        self.cancel(leaves.lost(list(self.lines.values()), parts, self.known))
        for line in self.lines.values():
            assert line.shipped + line.cancelled <= line.quantity
            inside = sum(there.get(line.line, 0) for there in self.parcels.values())
            assert inside == line.shipped
        return self.parcels

    def cancel(self, gone: list[tuple[PurchaseLine, int]]) -> None:
        for line, units in gone:
            line.cancelled += units

    def settled(self, *parts: Part) -> dict[str, dict[int, int]]:
        """The same told over and over changes nothing after the first time."""
        self.told(*parts)
        before = self.changes
        for again in (parts, parts[::-1]):
            self.told(*again)
        assert self.changes == before
        return self.parcels


def test_a_further_box_that_is_told_first_takes_no_ones_place() -> None:
    book = Book({TEA: 3})
    book.settled(leaf("A", {TEA: 3}, "S1"))
    assert book.settled(leaf("A", {TEA: 3}, "S2", "S1")) == {"S1": {1: 3}, "S2": {}}


def test_a_split_after_shipping_makes_a_box_and_no_new_number() -> None:
    book = Book({TEA: 3})
    book.settled(leaf("P", {TEA: 3}, "S1"))
    parts = leaf("A", {TEA: 2}, "S1"), leaf("B", {TEA: 1}, "S2")
    assert book.settled(*parts) == {"S1": {1: 3}, "S2": {}}


def test_pieces_that_nobody_ordered_are_no_units_whoever_leaves_first() -> None:
    gift, ours = leaf("G", {TEA: 1}, "S2"), leaf("A", {TEA: 3}, "S1")
    late = Book({TEA: 3})
    late.settled(ours, leaf("G", {TEA: 1}))
    assert late.settled(ours, gift) == {"S1": {1: 3}, "S2": {}}
    early = Book({TEA: 3})
    early.settled(gift, leaf("A", {TEA: 3}))
    assert early.settled(gift, ours) == {"S2": {1: 1}, "S1": {1: 2}}


def test_other_goods_that_nobody_ordered_are_a_box_once_ours_have_left() -> None:
    book = Book({TEA: 3})
    assert book.settled(leaf("G", {CUP: 1}, "S2"), leaf("A", {TEA: 3})) == {}
    both = leaf("G", {CUP: 1}, "S2"), leaf("A", {TEA: 3}, "S1")
    book.told(*both)
    assert book.settled(*both) == {"S1": {1: 3}, "S2": {}}


def test_two_numbers_that_change_at_once_keep_their_goods() -> None:
    book = Book({TEA: 3})
    book.settled(leaf("A", {TEA: 2}, "S1"), leaf("B", {TEA: 1}, "S2"))
    parts = leaf("B", {TEA: 1}, "S4"), leaf("A", {TEA: 2}, "S3")
    assert book.settled(*parts) == {"S3": {1: 2}, "S4": {1: 1}}


@pytest.mark.parametrize("turned", [False, True])
def test_a_number_changes_while_others_of_its_goods_leave(turned: bool) -> None:  # noqa: FBT001
    book = Book({TEA: 3})
    book.settled(leaf("A", {TEA: 1}, "S1"), leaf("B", {TEA: 2}))
    assert book.settled(leaf("A", {TEA: 1}, "S3"), leaf("B", {TEA: 2})) == {"S3": {1: 1}}
    parts = [leaf("A", {TEA: 1}, "S4"), leaf("B", {TEA: 2}, "S2")]
    assert book.settled(*(parts[::-1] if turned else parts)) == {"S4": {1: 1}, "S2": {1: 2}}


def test_a_child_that_vanishes_and_comes_back_keeps_its_parcel() -> None:
    book = Book({TEA: 2})
    book.settled(leaf("A", {TEA: 1}, "S1"), leaf("B", {TEA: 1}))
    book.settled(leaf("B", {TEA: 1}, "S2"))
    parts = leaf("A", {TEA: 1}, "S1"), leaf("B", {TEA: 1}, "S2")
    assert book.settled(*parts) == {"S1": {1: 1}, "S2": {1: 1}}


def test_leaves_in_one_parcel_are_counted_together_also_when_the_second_comes_later() -> None:
    book = Book({TEA: 3, CUP: 1})
    book.settled(leaf("A", {TEA: 1}, "S1"), leaf("B", {TEA: 2, CUP: 1}))
    parts = leaf("A", {TEA: 1}, "S1"), leaf("B", {TEA: 2, CUP: 1}, "S1")
    assert book.settled(*parts) == {"S1": {1: 3, 2: 1}}


@pytest.mark.parametrize("units", [1, 2])
def test_what_is_cancelled_after_it_left_costs_the_others_no_unit(units: int) -> None:
    """The recipient refused a child, and the platform cancels it without its parcel."""
    book = Book({TEA: units + 1})
    book.settled(leaf("A", {TEA: 1}, "S1"), leaf("B", {TEA: units}))
    gone = Part("A", "cancelled", ((TEA, 1),))
    book.settled(gone, leaf("B", {TEA: units}))
    assert book.lines[1].cancelled == 0
    assert book.settled(gone, leaf("B", {TEA: units}, "S2")) == {"S1": {1: 1}, "S2": {1: units}}


def test_the_one_leaf_that_hides_its_goods_holds_what_others_leave() -> None:
    book = Book({TEA: 3})
    parts = leaf("A", {TEA: 1}, "S1"), leaf("B", {}, "S2")
    assert book.settled(*parts) == {"S1": {1: 1}, "S2": {1: 2}}


def test_parcels_whose_goods_are_told_carry_these_and_the_rest_stays_open() -> None:
    book = Book({TEA: 5})
    assert book.settled(leaf("A", {TEA: 5}, "S1", state="open", S1=2)) == {"S1": {1: 2}}
    parts = leaf("A", {TEA: 5}, "S1", "S2", state="open", S1=2, S2=2)
    assert book.settled(parts) == {"S1": {1: 2}, "S2": {1: 2}}
    book.settled(leaf("A", {TEA: 5}, "S2", "S1", S1=2, S2=2))
    assert book.lines[1].shipped == 5  # the platform says that all has left


def test_a_number_changes_also_where_all_leaves_hide_their_goods() -> None:
    book = Book({TEA: 2})
    book.settled(leaf("A", {TEA: 1}, "S1"), leaf("B", {TEA: 1}, "S2"))
    assert book.settled(leaf("A", {}, "S1"), leaf("B", {}, "S3")) == {"S1": {1: 1}, "S3": {1: 1}}


_TREES = st.lists(st.integers(1, 3), min_size=1, max_size=4)


@settings(max_examples=60)
@given(_TREES, st.randoms(use_true_random=False), st.integers(0, 2))
def test_however_a_tree_is_told_all_units_leave_once(
    sizes: list[int], chance: random.Random, gifts: int
) -> None:
    """Leaves ship one after another, are told in any order, and sometimes not at all."""
    book = Book({TEA: sum(sizes)})
    held = [(f"L{at}", {TEA: units}) for at, units in enumerate(sizes)]
    held += [(f"G{at}", {CUP: 1}) for at in range(gifts)]
    sent: set[str] = set()
    for ref in chance.sample([ref for ref, _ in held], len(held)):
        sent.add(ref)
        parts = [leaf(r, goods, *([f"S{r}"] if r in sent else [])) for r, goods in held]
        chance.shuffle(parts)
        book.told(*parts[: chance.randint(1, len(parts))])
    parts = [leaf(r, goods, f"S{r}") for r, goods in held]
    book.told(*parts)
    book.settled(*parts)
    assert book.lines[1].shipped == sum(sizes)
    for ref, goods in held:
        assert sum(book.parcels[f"S{ref}"].values()) == goods.get(TEA, 0)


@dataclass
class Merging(Book):
    """Tells of three: one of tea under S1, two under S2."""

    bought: Mapping[str, int] = field(default_factory=lambda: {TEA: 3})

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settled(leaf("A", {TEA: 1}, "S1"), leaf("B", {TEA: 2}, "S2"))


@pytest.mark.parametrize("number", ["S1", "S2", "S3"])
def test_parcels_that_are_merged_into_one_number_are_one(number: str) -> None:
    parts = leaf("A", {TEA: 1}, number), leaf("B", {TEA: 2}, number)
    assert Merging().settled(*parts) == {number: {1: 3}}
    one_leaf = Merging().settled(leaf("P", {TEA: 3}, number))
    assert one_leaf == {number: {1: 3}}


@pytest.mark.parametrize("number", ["S2", "S3"])
def test_what_has_arrived_is_merged_with_nothing(number: str) -> None:
    book = Merging()
    book.arrived.add("S1")
    parts = leaf("A", {TEA: 1}, number), leaf("B", {TEA: 2}, number)
    assert book.settled(*parts) == {"S1": {1: 1}, number: {1: 2}}


def test_nothing_is_merged_into_what_has_arrived_before_it_has() -> None:
    book = Merging()
    book.arrived.add("S1")
    assert book.settled(leaf("P", {TEA: 3}, "S1")) == {"S1": {1: 1}, "S2": {1: 2}}
    assert book.settled(leaf("P", {TEA: 3}, "S1", state="delivered")) == {"S1": {1: 3}}


def test_what_was_merged_and_is_split_again_is_watched_under_both_numbers() -> None:
    book = Merging()
    book.settled(leaf("P", {TEA: 3}, "S1"))
    parts = leaf("A", {TEA: 1}, "S1"), leaf("B", {TEA: 2}, "S2")
    assert book.settled(*parts) == {"S1": {1: 3}, "S2": {}}
    assert book.settled(leaf("P", {TEA: 3}, "S3")) == {"S3": {1: 3}}


def test_a_leaf_that_is_not_told_of_is_merged_into_no_other() -> None:
    book = Merging()
    assert book.settled(leaf("B", {TEA: 2}, "S2")) == {"S1": {1: 1}, "S2": {1: 2}}
    assert book.settled(leaf("A", {}, "S2")) == {"S1": {1: 1}, "S2": {1: 2}}


def test_of_what_was_cancelled_only_what_is_in_a_parcel_left_all_the_same() -> None:
    """A leaf that is cancelled names what is in its parcel, which had left before."""
    book = Book({TEA: 2, CUP: 3})
    book.settled(leaf("A", {TEA: 2, CUP: 3}, "S1", state="open", S1=2))
    book.lines[2].cancelled = 3
    gone = leaf("A", {TEA: 2, CUP: 3}, "S1", state="cancelled", S1=2)
    assert leaves.astray(book.lines, [gone], book.known, {}) == []
    silent = leaf("A", {TEA: 2, CUP: 3}, "S1", state="cancelled")
    [(parcel, units)] = leaves.astray(book.lines, [silent], book.known, {})
    assert (parcel.tracking_number, units) == ("S1", {2: 3})
    assert leaves.astray(book.lines, [silent], book.known, {2: 3}) == []
