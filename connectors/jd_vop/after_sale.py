"""After-sale at JD, by the old calls and the new ones: options, a claim, and how it stands.

The old calls know no reference of ours: it stands in front of the words about the fault, and is
read again from there.
"""

from collections.abc import Mapping
from typing import Any

from connectors.errors import NoSuchThing, Refused
from connectors.jd import sign
from connectors.jd.reading import money, numbered, pick, rows, table, text, unpacked, whole
from connectors.trading import ClaimKind, ClaimState, ReturnOptions, SourceClaim
from kit.log import masked

from .areas import Areas
from .settings import VopSettings
from .wire import Area, Said, Wire

EXPECTS: dict[ClaimKind, int] = {
    "refund": 10,
    "return": 10,
    "exchange": 20,
    "reissue": 20,
    "repair": 30,
}
KINDS: dict[int, ClaimKind] = {10: "return", 20: "exchange", 30: "repair"}
STEPS: dict[int, str] = {
    10: "open",
    20: "refused",
    21: "open",
    22: "approved",
    31: "returning",
    32: "returning",
    33: "received",
    34: "received",
    40: "received",
    50: "refunded",
    60: "cancelled",
}
"""afsServiceStep → how the claim stands."""
NEW_STATES: dict[int, str] = {
    1: "open",
    2: "approved",
    3: "returning",
    4: "received",
    5: "refunded",
    6: "cancelled",
}
_DONE = 50
"""The last step of a service: paid back, or exchanged where that was asked for."""
_LONGEST_ID = 20
_NEW = "new"


class AfterSale:
    """Claims about leaves of the order tree: JD takes none about an order that was split."""

    def __init__(self, wire: Wire, given: VopSettings, areas: Areas) -> None:
        self._wire = wire
        self._given = given
        self._areas = areas
        self._new = given.after_sale == _NEW or given.protocol == "router"

    def options(self, ref: str, sku: str) -> ReturnOptions:
        """What JD still takes back of one SKU."""
        about = {"jdOrderId": numbered(ref), "skuId": numbered(sku)}
        if self._new:
            asked = {"orderId": numbered(ref), "wareIds": [numbered(sku)]}
            found = rows(self._wire.after_sale("new.options", asked).result)
            row = found[0] if found else {}
            kinds = _codes(pick(row, "customerExpect", "customerExpectList"))
            ways = _codes(pick(row, "pickupWareType", "pickupWareTypeList"))
            return ReturnOptions(
                ref,
                sku,
                tuple(KINDS[kind] for kind in kinds if kind in KINDS),
                whole(pick(row, "wareNum", "availableNum")) or 0,
                tuple(map(str, ways)),
                text(row.get("cannotApplyTip")),
            )
        left = whole(self._wire.after_sale("available", about).result) or 0
        if not left:
            return ReturnOptions(ref, sku, (), 0, message="JD takes none of it back any more")
        kinds = _codes(self._wire.after_sale("expects", about).result)
        ways = _codes(self._wire.after_sale("ways", about).result)
        known = tuple(KINDS[kind] for kind in kinds if kind in KINDS)
        return ReturnOptions(ref, sku, known, left, tuple(map(str, ways)))

    def find(self, claim: SourceClaim) -> str | None:
        """What `claim` answered or would have, where JD has such a service."""
        known = _claim_ref(claim)
        try:
            if self._new:
                self._new_state(known, claim.ref, claim.our_claim)
                return known
            services = self._services(claim.ref, claim.external_id)
        except NoSuchThing:
            return None
        return known if self._ours(services, claim.our_claim) else None

    def claim(self, claim: SourceClaim) -> str:
        """Ask for it. The answer names the order, the SKU and our claim."""
        if claim.amount is not None:
            raise Refused("amount", "JD pays back whole pieces only")
        area = self._areas.exact(claim.collect_from.region, claim.collect_from.address)
        if self._new:
            self._wire.after_sale("new.claim", self._new_form(claim, area))
        else:
            self._wire.after_sale("claim", self._form(claim, area))
        return _claim_ref(claim)

    def state(self, claim_ref: str) -> ClaimState:
        """How the service of a claim stands. Raises NoSuchThing when there is none."""
        ref, sku, ours = _parts(claim_ref)
        if self._new:
            return self._new_state(claim_ref, ref, ours)
        found = self._service(ref, sku, ours)
        answer = self._detail(found)
        detail = table(answer.result)
        step = whole(pick(detail, "afsServiceStep") or found.get("afsServiceStep")) or 0
        money_back = table(pick(detail, "serviceFinanceDetailInfoDTOs", "financeInfo"))
        told = text(pick(detail, "approveNotes", "afsServiceStepName"))
        swapped = whole(found.get("customerExpect")) == EXPECTS["exchange"] and step == _DONE
        return ClaimState(
            claim_ref,
            "replaced" if swapped else _state(STEPS, step),
            masked(told),
            money(pick(money_back, "refundPrice", "refundAmount")),
            self._address(table(detail.get("serviceAftersalesAddressInfoDTO"))),
            raw=answer.raw,
            known_as=text(found.get("afsServiceId")) or None,
        )

    def sent_back(self, claim_ref: str, carrier: str, tracking_number: str) -> None:
        """Tell JD the parcel by which the goods come back."""
        ref, sku, ours = _parts(claim_ref)
        if self._new:
            self._wire.after_sale(
                "new.sent",
                {
                    "orderId": numbered(ref),
                    "thirdApplyId": ours[:_LONGEST_ID],
                    "waybillInfoList": [
                        {"expressCompany": carrier, "expressCode": tracking_number}
                    ],
                },
            )
            return
        service = text(self._service(ref, sku, ours).get("afsServiceId"))
        self._wire.after_sale(
            "sent",
            {
                "afsServiceId": numbered(service),
                "freightMoney": 0,
                "expressCompany": carrier,
                "expressCode": tracking_number,
            },
        )

    def cancel(self, claim_ref: str, reason: str) -> None:
        """Withdraw a claim that JD has not decided yet."""
        ref, sku, ours = _parts(claim_ref)
        if self._new:
            asked: dict[str, Any] = {
                "orderId": numbered(ref),
                "thirdApplyId": ours[:_LONGEST_ID],
                "remark": reason[:200],
            }
            self._wire.after_sale("new.cancel", asked)
            return
        service = text(self._service(ref, sku, ours).get("afsServiceId"))
        asked = {"serviceIdList": [numbered(service)], "approveNotes": reason[:200]}
        self._wire.after_sale("cancel", asked)

    def _service(self, ref: str, sku: str, ours: str) -> dict[str, Any]:
        """The service of our claim; the newest of the SKU where none bears its name."""
        services = self._services(ref, sku)
        if not services:
            raise NoSuchThing("6002", f"JD has no after-sale service for {sku} of order {ref}")
        alone = services[0] if len(services) == 1 else None
        return alone or self._ours(services, ours) or services[0]

    def _ours(self, services: list[dict[str, Any]], ours: str) -> dict[str, Any] | None:
        """The service whose words about the fault begin with the name of our claim."""
        for service in services:
            told = text(table(self._detail(service).result).get("questionDesc"))
            if told.startswith(_mark(ours)):
                return service
        return None

    def _detail(self, service: Mapping[str, Any]) -> Said:
        number = numbered(text(service.get("afsServiceId")))
        asked = {"afsServiceId": number, "appendInfoSteps": [1, 2, 3, 4, 5]}
        return self._wire.after_sale("detail", asked)

    def _services(self, ref: str, sku: str) -> list[dict[str, Any]]:
        """The services of a SKU, the newest first, however many pages there are."""
        page, found = 1, list[dict[str, Any]]()
        while True:
            asked = {"jdOrderId": numbered(ref), "pageIndex": page, "pageSize": 100}
            listed = table(self._wire.after_sale("list", asked).result)
            services = rows(listed.get("serviceInfoList"))
            found += [row for row in services if text(row.get("wareId")) == sku]
            if not services or page * 100 >= (whole(listed.get("totalNum")) or 0):
                break
            page += 1
        return sorted(found, key=lambda row: whole(row.get("afsServiceId")) or 0, reverse=True)

    def _new_state(self, claim_ref: str, ref: str, ours: str) -> ClaimState:
        asked = {"orderId": numbered(ref), "thirdApplyId": ours[:_LONGEST_ID]}
        answer = self._wire.after_sale("new.outline", asked)
        said = unpacked(answer.result)
        listed = said if isinstance(said, list) else pick(table(said), "afsApplyInfoList", "items")
        found = rows(listed or said)
        if not found:
            raise NoSuchThing("6002", f"JD has no application {ours} for order {ref}")
        step = whole(pick(found[-1], "state", "applyState", "afsServiceStep")) or 0
        table_of = NEW_STATES if step < 10 else STEPS
        told = text(pick(found[-1], "approveNotes", "stateName"))
        replacement = text(pick(found[-1], "newOrderId", "renewOrderId")) or None
        refunded = money(pick(found[-1], "refundAmount", "refundPrice"))
        back = self._address(table(found[-1].get("returnAddress")))
        return ClaimState(
            claim_ref, _state(table_of, step), masked(told), refunded, back, replacement, answer.raw
        )

    def _address(self, found: Mapping[str, Any]) -> str:
        """Where goods go back to; the router seals it with our public key."""
        words = [text(pick(found, name)) for name in ("address", "linkMan", "tel")]
        key = self._given.private_key
        if key is not None:
            words = [sign.rsa_opened(word, key.get_secret_value()) for word in words]
        return " ".join(word for word in words if word)

    def _form(self, claim: SourceClaim, area: Area) -> dict[str, Any]:
        """The `param` of the old createAfsApply, in JD's spelling."""
        to, pickup = claim.collect_from, self._given.return_pickup
        levels = dict(zip(("Province", "City", "County", "Village"), map(int, area), strict=True))
        return {
            "jdOrderId": numbered(claim.ref),
            "customerExpect": EXPECTS[claim.kind],
            "questionDesc": f"{_mark(claim.our_claim)}{claim.reason}"[:500],
            "isNeedDetectionReport": False,
            "questionPic": ",".join(claim.images),
            "isHasPackage": True,
            "packageDesc": 10,
            "asCustomerDto": {
                "customerContactName": to.name,
                "customerTel": to.mobile,
                "customerMobilePhone": to.mobile,
                "customerEmail": self._given.email,
                "customerPostcode": "",
            },
            "asPickwareDto": {
                "pickwareType": pickup,
                **{f"pickware{level}": place for level, place in levels.items()},
                "pickwareAddress": to.address,
            },
            "asReturnwareDto": {
                "returnwareType": 10,
                **{f"returnware{level}": place for level, place in levels.items()},
                "returnwareAddress": to.address,
            },
            "asDetailDto": {"skuId": numbered(claim.external_id), "skuNum": claim.quantity},
        }

    def _new_form(self, claim: SourceClaim, area: Area) -> dict[str, Any]:
        """The new application: `thirdApplyId` has at most 20 signs, unique within the order."""
        if len(claim.our_claim) > _LONGEST_ID:
            raise Refused("thirdApplyId", f"JD takes claim ids of {_LONGEST_ID} signs at most")
        to = claim.collect_from
        where = dict(
            zip(("provinceId", "cityId", "countyId", "townId"), map(int, area), strict=True)
        )
        where_to = where | {"address": to.address}
        return {
            "thirdApplyId": claim.our_claim,
            "orderId": numbered(claim.ref),
            "customerInfo": {"customerName": to.name, "customerMobile": to.mobile},
            "pickupWareInfo": {"pickupWareType": self._given.return_pickup, **where_to},
            "returnWareInfo": {"returnWareType": 10, **where_to},
            "applyInfoItemList": [
                {
                    "customerExpect": EXPECTS[claim.kind],
                    "questionDesc": claim.reason[:500],
                    "questionPic": list(claim.images),
                    "wareId": numbered(claim.external_id),
                    "wareNum": claim.quantity,
                }
            ],
        }


def _codes(value: Any) -> list[int]:
    """Codes of a list of {code, name}, of numbers, or of a comma text."""
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        value = [pick(each, "code", "key") for each in value]
    listed = value if isinstance(value, list) else text(value).split(",")
    return [code for code in map(whole, listed) if code is not None]


def _parts(claim_ref: str) -> tuple[str, str, str]:
    ref, _, rest = claim_ref.partition("/")
    sku, _, ours = rest.partition("/")
    return ref, sku, ours


def _claim_ref(claim: SourceClaim) -> str:
    return f"{claim.ref}/{claim.external_id}/{claim.our_claim}"


def _mark(ours: str) -> str:
    return f"[{ours}] "


def _state(states: Mapping[int, str], step: int) -> Any:
    return states.get(step, "open")
