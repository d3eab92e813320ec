"""Words of titles and queries: cut alike on both sides."""

from hypothesis import example, given
from hypothesis import strategies as st
from pypinyin import lazy_pinyin

from catalog.search import words

ANYTHING = st.text(st.characters(exclude_categories=["Cs", "Cn", "Co"]), max_size=40)
GOODS = st.text("智能手机壳无线蓝牙耳机山野绿茶叶婴儿纸尿裤的大容量保温杯 a4L5", max_size=20)
TEXTS = ANYTHING | GOODS


@given(TEXTS)
@example("云岭 iPhone15Pro·Ａ４打印纸，５００張①")
def test_part_of_a_text_is_found_by_its_characters_and_their_pairs(text: str) -> None:
    whole = words.characters(text, None)
    asked = words.characters(text)
    assert set(asked) <= set(whole)
    assert [*words.pairs(asked)] == [*words.pairs(whole)][: max(len(asked) - 1, 0)]
    terms = [*whole, *words.pairs(whole)]
    assert " ".join(terms).split() == terms  # the index parts them at spaces


@given(TEXTS)
@example("儿山耳叶夥茵")  # 儿山耳 is a word only beside 叶伙茵
def test_a_text_is_found_by_its_own_words(text: str) -> None:
    short = words.plain(text)[: words.LONGEST]
    asked = {part for word in words.asked(short) for part in words.made_of(word)}
    assert asked <= set(words.indexed(short))


def test_letters_and_digits_part_and_full_width_is_half_width() -> None:
    assert words.indexed("iPhone15") == words.indexed("ＩＰＨＯＮＥ １５") == ["iphone", "15"]


def test_long_words_are_asked_for_by_their_parts() -> None:
    assert words.asked("智能手机") == ["智能手机"]
    assert words.made_of("智能手机") == ("智能", "手机")


def test_traditional_characters_are_simplified() -> None:
    assert words.indexed("嬰兒紙尿褲") == words.indexed("婴儿纸尿裤")


def test_chinese_words_have_sounds_and_others_none() -> None:
    assert words.sounds("纸尿裤") == ("zhiniaoku", "znk")
    assert words.sounds("裤") == words.sounds("iphone") == words.sounds("a4纸") == ()


@given(st.text(st.characters(min_codepoint=0x3400, max_codepoint=0x9FFF), max_size=10))
@example("重庆银行卡长大朝阳")
def test_characters_are_spoken_as_the_whole_is(text: str) -> None:
    assert [*words.syllables(text)] == lazy_pinyin(text, v_to_u=False)
