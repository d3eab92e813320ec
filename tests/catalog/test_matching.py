"""Reading offers and comparing them: the rules of `catalog.matching`, without a database."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.matching import gtin, sizes
from catalog.matching.facts import Brands, Listed, facts
from catalog.matching.keys import keys, owner
from catalog.matching.naming import settled, told
from catalog.matching.text import normalise
from catalog.matching.verdict import Verdict, compare

KNOWN = Brands({"晨雾": "晨雾", "misty": "晨雾", "星尘": "星尘"})
GTIN = "06901234567892"


def judge(left: str, right: str, mine: dict[str, Any] | None = None, **theirs: Any) -> Verdict:
    same = {"brand": "晨雾"}
    return compare(
        facts(Listed(left, **(same | (mine or {}))), KNOWN),
        facts(Listed(right, **(same | theirs)), KNOWN),
    )


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("Ａ４複印紙", "a4复印纸"),
        ("黑朱古力 100公克", "黑巧克力 100克"),
        ("3包×100抽", "3包*100抽"),
        ("100g x 3", "100g*3"),
        ("三支装", "3支装"),
        ("十二瓶", "12瓶"),
        ("半斤", "0.5斤"),
        ("一打", "12支"),
        ("双瓶装", "2瓶装"),
        ("mesh两只装", "mesh 2只装"),
        ("星尘x20", "星尘x20"),
        ("1,200粒", "1200粒"),
        ("空气炸锅", "空气炸锅"),
        ("2万毫安", "20000毫安"),
        ("1.5万mAh", "15000mah"),
        ("燕麦片", "燕麦片"),
    ],
)
def test_titles_take_one_form(written: str, form: str) -> None:
    assert normalise(written) == form


@given(st.text(max_size=60))
def test_the_form_of_a_form_is_itself(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(alphabet="一二三十百半单双对打支瓶x×*0123456789. ml克装薯朱古力-", max_size=24))
def test_the_form_of_hard_text_is_itself(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("text", "pieces", "content"),
    [
        ("500ml", {1}, {"500"}),
        ("0.5L", {1}, {"500"}),
        ("1kg", {1}, {"1000"}),
        ("24×500ml", {24}, {"12000"}),
        ("500ml*24瓶 整箱", {24}, {"12000"}),
        ("5包×100抽", {500}, set()),
        ("450g(15g×30)", {30}, {"450"}),
        ("30条装(15克/条)", {30}, {"450"}),
        ("5卷共100个", {100}, set()),
        ("1*12", {12}, set()),
        ("1m*2", {2}, set()),
        ("16GB×2", {2}, set()),
        ("10双", {20}, set()),
        ("26+16寸 一对", {2}, set()),
        ("配2布", {1}, set()),
        ("180g/袋 共2袋", {2}, {"360"}),
        ("10片装(150克/片)", {10}, {"1500"}),
        ("第12册", {1}, set()),
        ("体重2.5kg以下", {1}, set()),
        ("24包邮", {1}, set()),
    ],
)
def test_amounts_are_read_as_sellers_write_them(
    text: str, pieces: set[int], content: set[str]
) -> None:
    read = sizes.read(normalise(text))
    assert read.pieces == pieces
    assert {f"{value:f}" for _, value in read.content} == content


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("拿铁咖啡500ml", "拿铁咖啡1L"),
        ("拿铁咖啡500ml", "拿铁咖啡500ml*6"),
        ("拿铁咖啡500ml*6", "拿铁咖啡500ml*12"),
        ("抽纸100抽*5包", "抽纸100抽*24包"),
        ("数据线 1m", "数据线 1m*2"),
        ("雨刮器26寸 单支", "雨刮器26寸 一对"),
        ("内存16GB", "内存16GB×2"),
        ("钢化膜 单片装", "钢化膜 3片装"),
        ("大闸蟹5对10只", "大闸蟹4对8只"),
        ("眼影盘24色", "眼影盘36支装"),
        ("圆规8件套装", "圆规4件套装"),
        ("圆规8件套", "圆规 6件"),
        ("显卡GX4060Ti-8GB", "显卡GX4060Ti 16GB"),
    ],
)
def test_packs_and_sizes_never_join_whatever_the_gtin_says(left: str, right: str) -> None:
    both = judge(left, right, {"gtin": GTIN}, gtin=GTIN)
    assert both.decision == "apart"
    assert both.vetoes


def test_the_pack_column_counts_where_the_title_is_silent() -> None:
    assert judge("拿铁咖啡500ml", "拿铁咖啡500ml", pack=6).decision == "apart"
    assert judge("拿铁咖啡500ml*6", "拿铁咖啡500ml", pack=6).decision == "join"


def test_a_case_is_no_single_while_nobody_says_how_many_it_holds() -> None:
    found = judge("拿铁咖啡500ml", "拿铁咖啡500ml", {"unit": "瓶"}, unit="箱")
    assert "unit" in found.vetoes


def test_one_thing_in_two_words_joins() -> None:
    assert judge("晨雾咖啡豆意式深度烘焙454g", "MISTY 意式深烘咖啡豆 454克").decision == "join"


@pytest.mark.parametrize(
    ("left", "right", "veto"),
    [
        ("拿铁咖啡500ml", "摩卡咖啡500ml", "flavour"),
        ("保温杯500ml 黑色", "保温杯500ml 白色", "colour"),
        ("跑鞋男 42码", "跑鞋男 43码", "number"),
        ("奶粉1段800g", "奶粉2段800g", "stage"),
        ("手机X20 8GB+256GB", "手机X20 12GB+256GB", "storage"),
        ("吸尘器V8", "吸尘器V9", "model"),
        ("海盐未加碘350g", "海盐加碘350g", "denied"),
        ("机油5W-30 4L", "机油5W-40 4L", "standard"),
        ("榴莲3-4斤1个", "榴莲5-6斤1个", "range"),
        ("脐橙70-80mm 5斤", "脐橙80-90mm 5斤", "range"),
        ("口琴24孔C调", "口琴24孔G调", "mark"),
        ("防冻液-35℃ 4kg", "防冻液零下45度 4kg", "degree"),
        ("适用小米15手机壳 雾蓝", "适用小米15Pro手机壳 雾蓝", "edition"),
        ("手机膜Mate70Pro 3片", "手机膜Mate70Pro+ 3片", "edition"),
        ("状元题五年级数学(上)", "状元题五年级数学(下)", "volume"),
        ("黄油无盐200g", "有盐黄油 200g", "opposite"),
        ("吸奶器双边", "单边吸奶器", "opposite"),
        ("刹车片 前", "后轮刹车片", "opposite"),
        ("门吸免打孔", "门吸打孔款", "denied"),
        ("补漆笔 珍珠白", "补漆笔 雪山白", "shade"),
        ("鞋盒 透明白", "鞋盒 透明黑", "colour"),
        ("连衣裙 蓝底白花", "连衣裙 黑底红花", "colour"),
        ("六类网线5米", "网线CAT6A 5m", "cable_class"),
        ("鞋盒大号6个", "鞋盒 中号 6只", "bigness"),
        ("驱虫滴剂2.5kg以下 3支", "驱虫滴剂2.5-7.5kg 3支", "range"),
        ("充电头SN-G65 1C", "充电头SN-G65K 1C", "model"),
        ("汽车座套 朗越22款", "座套 适用朗越2018款", "number"),
        ("鸡骨剪 黑柄", "鸡骨剪（红色）", "colour"),
        ("淋浴软管1.5米 不锈钢", "PVC淋浴软管1.5米", "material"),
    ],
)
def test_near_twins_stay_apart(left: str, right: str, veto: str) -> None:
    assert veto in judge(left, right).vetoes


def test_twins_that_no_word_list_knows_wait_for_a_person() -> None:
    found = judge("竹盐牙膏雪域款120g", "竹盐牙膏川泽款120g", {"gtin": GTIN}, gtin=GTIN)
    assert found.decision == "review"


def test_a_loose_number_beside_another_length_waits_for_a_person() -> None:
    assert judge("皮带SF-A8 115厘米", "皮带 SF-A8 125").decision == "review"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("西裤黑色32修腿", "西裤黑色32阔腿裁"),
        ("车厘子JJ 5斤", "车厘子JJJ 5斤"),
        ("行车记录仪D10 +64G", "行车记录仪D10"),
        ("充电器65w gq65", "充电器65w gq65 套装（配1m双C线）"),
        ("电子琴61键", "电子琴61键 含琴架琴凳套装"),
        ("软糖60粒*2瓶", "软糖120粒"),
        ("便签12本 四色", "便签12本 黄色"),
        ("宝宝礼盒小鹿款 18件", "宝宝礼盒小象款 18件"),
        ("贴纸森林系列 46张", "贴纸宇宙系列 46张"),
    ],
)
def test_goods_that_may_be_twins_wait_for_a_person(left: str, right: str) -> None:
    assert judge(left, right).decision != "join"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("人字梯四步铝合金", "晨雾铝合金人字梯 4步"),
        ("马克笔24色", "晨雾双头马克笔 24支装"),
        ("钢化膜 Mate70 单片装", "晨雾 适用华为mate70手机钢化膜 1片"),
        ("防冻液-35℃ 4kg", "晨雾防冻液 零下35度 4公斤"),
        ("大闸蟹5对10只", "晨雾大闸蟹 十只装"),
        ("圆规8件套", "晨雾圆规套装 8件"),
        ("咖啡豆2磅", "晨雾咖啡豆 907g"),
        ("刹车片20-23款", "晨雾刹车片 2020-2023款"),
        ("网线六类5米", "晨雾CAT6网线 5m"),
        ("焊条J422 2.5mm", "晨雾电焊条J422-2.5mm"),
        ("散热器BX20 半导体制冷背夹", "晨雾BX20散热背夹"),
    ],
)
def test_one_thing_in_the_words_of_two_trades_is_never_vetoed(left: str, right: str) -> None:
    assert not judge(left, right).vetoes


@pytest.mark.parametrize(
    ("left", "right", "joined"),
    [
        ("sony portable dvd player dvpfx820w", "sony dvpfx820/w dvd player portable", True),
        ("sony dvp-fx820 pink portable dvd player dvpfx820p", "sony dvp-fx820 dvd player", False),
        ("lg 2.0 cu ft over the range oven lmvm2085", "lg 2.0 cu ft over the range oven", False),
        ("canon pixma ip2600 photo printer", "canon pixma mp980 photo printer", False),
        ("adobe photoshop elements 5.0", "adobe photoshop elements 5.0 upgrade", False),
        ("windvd 8 gold for windows", "windvd 8 platinum for windows", False),
        ("quicken premier 2007", "quicken premier 2007 software", True),
        ("britannica deluxe", "britannica deluxe 2008", False),
    ],
)
def test_titles_without_chinese_join_by_a_whole_model_or_when_nothing_is_left_over(
    left: str, right: str, *, joined: bool
) -> None:
    one, other = (facts(Listed(title, price=Decimal(99)), Brands()) for title in (left, right))
    assert (compare(one, other).decision == "join") is joined


def test_another_brand_is_another_thing() -> None:
    assert "brand" in judge("咖啡豆454g", "咖啡豆454g", brand="星尘").vetoes


@pytest.mark.parametrize(
    ("text", "identifies"),
    [
        ("6901234567892", True),
        ("06901234567892", True),
        ("6901234567890", False),
        ("2000000000015", False),
        ("0200000000011", False),
        ("9771234567003", False),
        ("00000000000000", False),
        ("abc", False),
    ],
)
def test_only_a_world_wide_number_identifies(text: str, *, identifies: bool) -> None:
    assert (gtin.identifying(text) is not None) is identifies


WORDS = [
    *("晨雾", "星尘", "咖啡", "拿铁", "摩卡", "500ml", "1L", "24瓶", "*6", "黑色", "白色"),
    *("X20", "V8", "42码", "1段", "儿童"),
]
TITLES = st.lists(
    st.sampled_from(WORDS),
    min_size=1,
    max_size=6,
).map(" ".join)
OFFERS = st.builds(
    Listed,
    title=TITLES,
    brand=st.sampled_from([None, "晨雾", "星尘"]),
    gtin=st.sampled_from([None, GTIN]),
    pack=st.sampled_from([1, 6, 12]),
    price=st.sampled_from([None, Decimal(10), Decimal(60)]),
)


@settings(max_examples=200)
@given(OFFERS, OFFERS)
@example(Listed("晨雾 晨雾 500ml"), Listed("晨雾 晨雾 500ml 儿童"))
def test_the_order_of_two_offers_does_not_matter(left: Listed, right: Listed) -> None:
    one, two = facts(left, KNOWN), facts(right, KNOWN)
    mine, theirs = compare(one, two), compare(two, one)
    assert (mine.decision, mine.score) == (theirs.decision, theirs.score)
    assert set(mine.vetoes) == set(theirs.vetoes)


@settings(max_examples=200)
@given(OFFERS, OFFERS)
def test_a_veto_is_never_outweighed(left: Listed, right: Listed) -> None:
    found = compare(facts(left, KNOWN), facts(right, KNOWN))
    assert not found.vetoes or found.decision == "apart"


def test_a_gift_box_is_another_thing_where_it_costs_another_price() -> None:
    plain, boxed = "晨雾腊肠500g 袋装", "晨雾腊肠500g 礼盒"
    assert "gift_box" in judge(plain, boxed, {"price": Decimal(39)}, price=Decimal(59)).vetoes
    assert not judge(plain, boxed, {"price": Decimal(39)}, price=Decimal(42)).vetoes


def test_what_a_title_says_is_heard_wherever_the_other_says_it() -> None:
    """不锈钢 by itself is heard in 304不锈钢: it is no word of its own."""
    said = {
        e.code: e.weight for e in judge("不锈钢合页4寸", "晨雾加厚轴承 304不锈钢活页 4寸").evidence
    }
    assert said.get("title", 0) > 0


def test_a_year_that_both_state_is_no_number_in_common() -> None:
    codes = {one.code for one in judge("台历2027年", "2027年台历").evidence}
    assert "numbers_same" not in codes


def test_goods_of_a_brand_and_kind_meet_whatever_amounts_they_state() -> None:
    mine = facts(Listed("晨雾毛巾纯棉34*74cm", "晨雾"), KNOWN)
    theirs = facts(Listed("晨雾 新疆长绒毛巾 单条", "晨雾"), KNOWN)
    assert set(keys(mine)) & set(keys(theirs))


def test_an_offer_meets_its_like_under_a_key() -> None:
    mine = facts(Listed("晨雾咖啡豆意式深度烘焙454g", "晨雾"), KNOWN)
    theirs = facts(Listed("MISTY 意式深烘咖啡豆 454克"), KNOWN)
    assert set(keys(mine)) & set(keys(theirs))
    assert all(-(2**63) <= key < 2**63 for key in keys(mine))
    assert -(2**31) <= owner("tea", None) < 2**31


def test_titles_teach_what_a_brand_is_called() -> None:
    said = [
        *told("启萌/QIMENG"),
        *told("雪颜堂"),
        *told(None, "雪颜堂（SNOWFACE）精华", {"雪颜堂"}),
    ]
    names = settled(said)
    assert (names["qimeng"], names["snowface"]) == ("启萌", "雪颜堂")
    assert settled(told("红米/小米"))["红米"] == "红米"  # two brands in one column stay two
    two = [("uni", "三菱"), ("uni", "统一"), ("三菱", "三菱"), ("统一", "统一")]
    assert settled(two)["uni"] == "uni"  # claimed by two, it is neither's


def test_a_brand_in_pinyin_is_the_brand() -> None:
    assert Brands({"润灶": "润灶", "runzao": "runzao"}).of("RUNZAO") == {"润灶"}


def test_a_brand_written_in_two_scripts_at_once_is_each_of_its_names() -> None:
    known = Brands({"铁牛": "铁牛", "ironox铁牛": "ironox铁牛"})
    assert known.of("IRONOX铁牛") & known.of("铁牛")


def test_a_famous_name_is_a_brand_only_where_it_can_be_one() -> None:
    known = Brands({"拾光书社": "拾光书社"})
    assert [brand for *_, brand in known.within("pampers帮宝适 拉拉裤")] == ["帮宝适", "帮宝适"]
    assert [brand for *_, brand in known.within("拾光书社 小熊的四季")] == ["拾光书社"]


def test_an_amount_that_can_be_read_in_two_ways_is_left_to_a_person() -> None:
    pair = "晨雾包胶哑铃10kg一对", "晨雾哑铃 包胶 20公斤(10kg×2)"
    assert judge(*pair).decision == "review"
    assert judge("晨雾包胶哑铃10kg一对", "晨雾哑铃 包胶 20kg一对").decision == "apart"


@pytest.mark.parametrize(
    "words", ["【京东自营】", " 送汤锅", " 孕妇儿童零食", " 官方正品 全国联保"]
)
def test_what_sellers_add_to_all_goods_says_nothing(words: str) -> None:
    plain_one = facts(Listed("晨雾海苔原味54g"), KNOWN)
    dressed = facts(Listed(f"晨雾海苔原味54g{words}"), KNOWN)
    assert (dressed.words, dressed.traits) == (plain_one.words, plain_one.traits)


@pytest.mark.parametrize(
    ("left", "right", "veto"),
    [
        ("手磨机 kl20 不含电池充电器", "手磨机 kl20 含4.0ah电池1块充电器1个", "denied"),
        ("炒锅30cm 无盖", "炒锅30厘米(含锅盖)", "denied"),
        ("大闸蟹 公4.0两 母3.0两 8只", "大闸蟹 公3.0两 母2.0两 8只", "content"),
        ("香氛沐浴露 茶树 1l", "沐浴乳男女家庭装保湿雪松香1000ml", "flavour"),
        ("香氛沐浴露 青丘香 1l", "沐浴乳男女家庭装保湿羽衣香1000ml", "flavour"),
        ("洗牙器 c3 标准版", "洗牙器便携 c3 豪华版", "version"),
        ("充电器65w gq65（不含线）", "充电器65w gq65（含1米数据线）", "denied"),
        ("跑步鞋男 疾风5 42", "疾风4代男跑步鞋 42码", "series"),
        ("充电线c to c 1m", "充电线a to c 1米", "connector"),
        ("吸顶灯圆形50cm 三色变光", "吸顶灯直径500mm 白光", "lamplight"),
        ("儿童牙刷3到6岁2支", "儿童牙刷6-12岁2支", "range"),
        ("口红 色号101 3.5g", "口红 色号201 3.5克", "number"),
        ("男船袜纯棉5双", "男士长袜纯棉5双", "sock"),
    ],
)
def test_twins_by_what_comes_along_or_what_they_are_made_of_stay_apart(
    left: str, right: str, veto: str
) -> None:
    assert veto in judge(left, right).vetoes
    assert veto in judge(right, left).vetoes


def test_two_bottles_are_no_bottle_of_twice_as_many_whatever_the_gtin_says() -> None:
    pair = "鱼油200粒/瓶 1000毫克", "鱼油100粒/瓶 2瓶装 1000毫克"
    assert judge(*pair, {"gtin": GTIN}, gtin=GTIN).decision != "join"


def test_double_xl_has_two_names() -> None:
    assert not judge("冲锋衣男黑色2xl", "男款冲锋衣黑xxl").vetoes
    assert "size" in judge("冲锋衣男黑色2xl", "男款冲锋衣黑xl").vetoes


def test_titles_that_have_nothing_but_the_kind_in_common_wait_for_a_person() -> None:
    left = judge("每日坚果750g 混合坚果仁果干大礼包 30日装", "益生菌混合坚果 25克*30袋")
    assert left.decision != "join"


def test_what_sellers_add_is_found_within_a_run_of_characters() -> None:
    read = facts(Listed("懒人家用一拖净干湿两用平板拖把"), KNOWN)
    assert "人家" not in read.said
    assert {"懒人", "干湿两用"} <= read.soft
