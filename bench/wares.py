"""Invented Chinese goods as wholesale lists name them, and what people type to find them.

A few kinds and brands make up most of the goods, as everywhere (Zipf's law); titles are heaps of
words: brand, model, traits, kind, whom it is for, specification. All of it is the same in every
run, and nothing in it is anybody's.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Ware(NamedTuple):
    """One product; `code` is its maker's number, `colour` an attribute of its SKUs."""

    title: str
    brand: str
    category: str
    code: str
    colour: str


class _Kinds(NamedTuple):
    category: str
    kinds: Sequence[str]
    traits: Sequence[str]
    specifications: Sequence[str]
    made_for: Sequence[str]


def _kinds(category: str, kinds: str, traits: str, specifications: str, made_for: str) -> _Kinds:
    return _Kinds(category, kinds.split(), traits.split(), specifications.split(), made_for.split())


_SHELVES = [
    _kinds(
        "食品 > 茶",
        "绿茶 红茶 乌龙茶 白茶 普洱茶 茉莉花茶 菊花茶 大麦茶 荞麦茶 陈皮",
        "高山 明前 特级 浓香型 清香 手工 古树 有机 新茶 冷泡",
        "50g 100g 125g*2罐 250g 500g 30小包",
        "送长辈 办公室 自饮 商务送礼 礼盒装",
    ),
    _kinds(
        "食品 > 零食",
        "坚果 牛肉干 猪肉脯 薯片 饼干 糖果 巧克力 海苔 果冻 鱿鱼丝 锅巴 葡萄干 蛋卷 沙琪玛",
        "网红 休闲 独立包装 原味 香辣 低糖 非油炸 每日 混合 儿童",
        "100g 258g 500g 1kg整箱 30袋 750g礼盒",
        "办公室 追剧 早餐 宿舍 年货",
    ),
    _kinds(
        "食品 > 粮油调味",
        "大米 面粉 挂面 菜籽油 花生油 酱油 陈醋 蚝油 火锅底料 辣椒酱 小米 燕麦片 黄豆",
        "东北 五常 农家 非转基因 压榨 酿造 零添加 家用 高筋 手工",
        "500ml 1L 1.8L 5L 2.5kg 5kg 10kg",
        "家庭装 厨房 餐饮商用 早餐",
    ),
    _kinds(
        "母婴 > 尿裤湿巾",
        "纸尿裤 拉拉裤 湿巾 柔巾 隔尿垫 护理垫",
        "超薄 透气 干爽 柔软 婴儿 新生儿 加厚 手口 夜用",
        "NB码 S码 M码62片 L码54片 XL码42片 80抽*5包 100抽",
        "男女宝宝通用 夏季 出行",
    ),
    _kinds(
        "母婴 > 用品",
        "奶瓶 婴儿推车 儿童餐椅 围嘴 爬行垫 安全座椅 吸奶器 温奶器 牙胶 学步鞋",
        "宽口径 防胀气 可折叠 便携 硅胶 轻便 防摔 多功能 恒温",
        "150ml 240ml 300ml 大号 标准款",
        "新生儿 0-6个月 1-3岁 宝宝",
    ),
    _kinds(
        "家居 > 清洁",
        "洗衣液 洗洁精 洁厕灵 垃圾袋 抽纸 卷纸 拖把 抹布 消毒液 洗衣凝珠 除湿袋 厨房纸",
        "加厚 浓缩 除菌 去油污 持久留香 免手洗 背心式 本色 竹浆 低泡",
        "500g 2kg*4瓶 3kg 100只 10卷 24包整箱 60颗",
        "家用 厨房 宿舍 酒店 实惠装",
    ),
    _kinds(
        "家居 > 收纳",
        "收纳箱 收纳盒 衣架 置物架 鞋架 压缩袋 挂钩 抽屉柜 储物罐 脏衣篮",
        "折叠 加厚 透明 免打孔 可叠加 带轮 防尘 北欧 大容量 多层",
        "小号 中号 大号 特大号 3个装 10只装 四层",
        "衣柜 卧室 浴室 厨房 学生宿舍",
    ),
    _kinds(
        "家居 > 床品",
        "四件套 被子 枕头 床垫 凉席 毛毯 床笠 夏凉被 蚊帐 靠垫",
        "纯棉 全棉 加厚 乳胶 水洗棉 冰丝 抗菌 可水洗 磨毛 轻奢",
        "1.2m床 1.5m床 1.8m床 200x230cm 一对装",
        "学生宿舍 四季通用 夏季 冬季 婚庆",
    ),
    _kinds(
        "厨具 > 餐厨",
        "保温杯 炒锅 不粘锅 菜刀 砧板 饭盒 玻璃杯 餐具套装 保鲜盒 汤锅 水壶 调料罐",
        "不锈钢 麦饭石 316 家用 大容量 便携 耐热 密封 防烫 商务",
        "350ml 500ml 1L 28cm 32cm 6件套 三件套",
        "电磁炉通用 上班族 学生 户外 厨房",
    ),
    _kinds(
        "家电 > 厨房电器",
        "电饭煲 电水壶 空气炸锅 破壁机 电磁炉 微波炉 烤箱 豆浆机 电压力锅 榨汁机 养生壶",
        "智能 家用 多功能 迷你 大容量 可视 预约 静音 全自动 低糖",
        "1.5L 3L 4L 5L 1200W 1800W 2200W",
        "一人食 家庭 宿舍 厨房",
    ),
    _kinds(
        "家电 > 生活电器",
        "电风扇 加湿器 吸尘器 扫地机器人 除螨仪 电吹风 取暖器 挂烫机 空气净化器 台灯 剃须刀",
        "静音 无线 手持 智能 遥控 大功率 便携 负离子 变频 桌面",
        "2.5L 15寸 1600W 2000W 旗舰版 标准版",
        "卧室 办公室 家用 宿舍 车载",
    ),
    _kinds(
        "数码 > 配件",
        "手机壳 数据线 充电器 充电宝 钢化膜 蓝牙耳机 手机支架 自拍杆 读卡器 移动硬盘 鼠标 键盘",
        "无线 快充 磁吸 透明 防摔 超薄 降噪 折叠 液态硅胶 入耳式",
        "iPhone15 iPhone14Pro Type-C 20000mAh 1米 2米 64GB 1TB 65W",
        "华为小米通用 车载 桌面 学生 游戏",
    ),
    _kinds(
        "办公 > 文具",
        "打印纸 中性笔 笔记本 文件夹 订书机 便利贴 胶带 计算器 荧光笔 修正带 白板 铅笔",
        "加厚 速干 彩色 大容量 考试专用 商务 可爱 护眼 环保 透明",
        "A4 A5 500张*5包 0.5mm 12支 100页 48mm",
        "学生 办公室 会议 财务",
    ),
    _kinds(
        "服饰 > 鞋靴",
        "跑步鞋 运动鞋 帆布鞋 拖鞋 雪地靴 凉鞋 板鞋 雨鞋 老爹鞋 登山鞋",
        "透气 轻便 防滑 软底 加绒 减震 耐磨 百搭 防水 厚底",
        "36码 38码 40码 42码 44码",
        "男女同款 学生 老人 户外 夏季",
    ),
    _kinds(
        "服饰 > 内搭",
        "袜子 内裤 保暖内衣 T恤 睡衣 打底裤 卫衣 羽绒服 衬衫 围巾 帽子 手套",
        "纯棉 加绒 透气 宽松 修身 抗菌 长袖 短袖 莫代尔 无痕",
        "M码 L码 XL码 2XL 5双装 3条装",
        "男士 女士 儿童 情侣 冬季",
    ),
    _kinds(
        "个护 > 洗护",
        "洗发水 沐浴露 牙膏 牙刷 护手霜 洗面奶 面膜 身体乳 香皂 护发素 漱口水 润唇膏",
        "控油 去屑 美白 保湿 氨基酸 持久留香 软毛 电动 烟酰胺 滋润",
        "80ml 120g 200g 500ml 750ml 10片 4支装",
        "男士 女士 儿童 家庭装 旅行装",
    ),
    _kinds(
        "户外 > 运动",
        "帐篷 睡袋 登山包 瑜伽垫 跳绳 哑铃 羽毛球拍 篮球 鱼竿 骑行手套 折叠椅 野餐垫",
        "便携 防水 加厚 超轻 速开 专业 折叠 防潮 减震 碳素",
        "1-2人 3-4人 30L 50L 10mm 5kg一对 3.6米",
        "露营 健身 徒步 学生 初学者",
    ),
    _kinds(
        "宠物 > 用品",
        "猫粮 狗粮 猫砂 猫抓板 宠物窝 牵引绳 猫条 宠物碗 狗咬胶 猫包",
        "全价 无谷 除臭 低尘 幼猫 成犬 豆腐 耐咬 透气 冻干",
        "1.5kg 2kg 6L 10kg 30支 大号",
        "通用型 小型犬 英短 室内 外出",
    ),
]
_FIRST = "云南晨星松白青丹景瑞和清禾悦木森安雅乐嘉华泰康宁福永恒天海山江林春秋月暖初良优品"
_SECOND = "岭麓露野涧石溪霞田语舍居然源尚美家臣朵颜风味谷仓里坊记号屋堂园庄轩道合生物工匠派"
_COLOURS = ["红", "白", "黑", "蓝", "绿", "灰", "粉", "原木"]
_YEARS = ["", "", "", "2025新款 ", "新款 ", "爆款 ", "官方正品 "]
SHARE = [(3, "kind"), (4, "trait kind"), (2, "trait trait kind"), (3, "brand kind")]
SHARE += [(2, "kind specification"), (2, "brand trait kind"), (1, "brand"), (2, "kind made_for")]
"""How often what is typed has this form."""

_BRANDS = ["".join(pair) for pair in itertools.product(_FIRST, _SECOND)]
_KINDS = [(shelf, kind) for shelf in _SHELVES for kind in shelf.kinds]


class _Dice:
    """Draws brands, kinds and words, few of them often."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - the same goods in every run
        order = random.Random(11)  # noqa: S311 - which ones are the common ones, for all alike
        self._brands = order.sample(_BRANDS, len(_BRANDS))
        self._kinds = order.sample(_KINDS, len(_KINDS))
        self._brand_weights = _zipf(len(self._brands), 0.8)
        self._kind_weights = _zipf(len(self._kinds), 0.6)

    def brands(self, count: int) -> list[str]:
        return self._dice.choices(self._brands, cum_weights=self._brand_weights, k=count)

    def kinds(self, count: int) -> list[tuple[_Kinds, str]]:
        return self._dice.choices(self._kinds, cum_weights=self._kind_weights, k=count)

    def one(self, among: Sequence[str]) -> str:
        return among[int(self._dice.random() * len(among))]

    def two(self, among: Sequence[str]) -> list[str]:
        return self._dice.sample(among, 2)


def wares(seed: int = 7) -> Iterator[Ware]:
    """Products without end."""
    dice = _Dice(seed)
    for block in itertools.count():
        drawn = zip(dice.brands(1000), dice.kinds(1000), strict=True)
        for number, (brand, (shelf, kind)) in enumerate(drawn, block * 1000):
            first, second = dice.two(shelf.traits)
            code = f"{'ABCDEFHK'[number % 8]}{number % 9}-{number}"
            title = (
                f"{brand}{dice.one(_YEARS)}{first}{second}{kind}"
                f" {dice.one(shelf.made_for)} {dice.one(shelf.specifications)}"
            )
            yield Ware(title, brand, f"{shelf.category} > {kind}", code, dice.one(_COLOURS))


def queries(count: int, seed: int = 8) -> list[str]:
    """What people type: mostly a kind with a word or two, sometimes a brand or a size."""
    dice = _Dice(seed)
    forms = [form for share, form in SHARE for _ in range(share)]
    found = []
    for brand, (shelf, kind) in zip(dice.brands(count), dice.kinds(count), strict=True):
        first, second = dice.two(shelf.traits)
        words = {
            "brand": brand,
            "kind": kind,
            "specification": f" {dice.one(shelf.specifications)}",
            "made_for": f" {dice.one(shelf.made_for)}",
        }
        traits = iter((first, second))
        form = dice.one(forms).split()
        found.append("".join(next(traits) if one == "trait" else words[one] for one in form))
    return found


def _zipf(count: int, slope: float) -> list[float]:
    return list(itertools.accumulate(1 / (rank + 1) ** slope for rank in range(count)))
