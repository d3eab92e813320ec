"""What leaves a pair of titles without Chinese to a person. Pure.

No lexicon knows the words of such titles: nearly all of them are said by both of two goods of one
range, and what tells those apart is a model number, a version, a colour or a word more. So only a
whole model number, or titles in which nothing is left over, join without a person.
"""

from catalog.matching.facts import Facts
from catalog.matching.observed import NONE, listed, unexplained
from catalog.matching.twins import unsaid


def both(left: Facts, right: Facts) -> bool:
    """Whether neither title has a Chinese word."""
    return left.latin and right.latin


def unclear(left: Facts, right: Facts) -> str | None:
    """Why two such titles are perhaps of two goods, or None."""
    if left.gtin and left.gtin == right.gtin:
        return None
    mine, theirs = _code(left), _code(right)
    if mine or theirs:
        return None if mine == theirs else f"models {mine or 'none'} and {theirs or 'none'}"
    if found := unexplained(left, right) | unexplained(right, left):
        return f"only one states {listed(found)}"
    if not left.brands & right.brands and left.said[:1] != right.said[:1]:
        return "nothing says that they are of one maker"
    colours = [one.traits.get("colour_en", NONE) for one in (left, right)]
    if bool(colours[0]) != bool(colours[1]):
        return f"only one is {listed(colours[0] | colours[1])}"
    ours, others = unsaid(left, right), unsaid(right, left)
    return f"one says {listed(ours)}, the other {listed(others)}" if ours and others else None


def _code(one: Facts) -> str:
    """The longest model number: dvpfx820w rather than dvpfx820; empty where all are short."""
    found = max((model[0] for model in one.models), key=lambda m: (len(m), m), default="")
    return found if len(found) >= _WHOLE else ""


_WHOLE = 5
"""Characters from which on a model number is one that no other goods have."""
