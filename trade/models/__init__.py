"""The tables of trade: parties, money, orders, purchases, parcels, claims, recipients.

Every one stands behind the tenant wall (row-level security in the migrations): a row is seen by the
party in `party_id`, by the supplier in `supplier_id` where the table has one, and by system scope.
Purchases are the supplier's side: a leader's scope sees none of them, so that no answer to a leader
can name a source or a cost. Rows are locked in one order: order, purchases, stock, balances.
"""

from trade.models.addresses import AddressRequest
from trade.models.applications import Application, ApplicationDocument
from trade.models.claims import Claim, ClaimLine, ClaimMove, Evidence, PlatformClaim
from trade.models.commissions import CommissionRow, CommissionsRead
from trade.models.hooks import Delivery, Event, EventsHead, Webhook
from trade.models.imports import GoodsName, ImportedOrder, OrderImport, OrderImportPart
from trade.models.money import Balance, DepositRequest, Posting
from trade.models.orders import (
    DearerLine,
    LiveAnswer,
    NewOrder,
    Order,
    Ordered,
    OrderEvent,
    OrderLine,
    OrderPlan,
    Proposal,
    Quote,
    QuotePlan,
    Selection,
)
from trade.models.parties import (
    Audit,
    Member,
    Party,
    PartyStanding,
    Recipient,
    RecipientOpening,
    Token,
)
from trade.models.payouts import Payee, Payout
from trade.models.purchases import (
    Parcel,
    ParcelEvent,
    ParcelLine,
    Purchase,
    PurchaseLine,
    PurchaseMove,
)
from trade.models.reconciliations import Difference, ReconciledDay
from trade.models.routing import RoutingVersion
from trade.models.shares import Earning, Share, ShareSku, Signup
from trade.models.sheets import SheetClaim, SheetPurchase, SupplierSheet
from trade.models.statements import Statement, StatementLine
from trade.models.strays import Stray

__all__ = [
    "AddressRequest",
    "Application",
    "ApplicationDocument",
    "Audit",
    "Balance",
    "Claim",
    "ClaimLine",
    "ClaimMove",
    "CommissionRow",
    "CommissionsRead",
    "DearerLine",
    "Delivery",
    "DepositRequest",
    "Difference",
    "Earning",
    "Event",
    "EventsHead",
    "Evidence",
    "GoodsName",
    "ImportedOrder",
    "LiveAnswer",
    "Member",
    "NewOrder",
    "Order",
    "OrderEvent",
    "OrderImport",
    "OrderImportPart",
    "OrderLine",
    "OrderPlan",
    "Ordered",
    "Parcel",
    "ParcelEvent",
    "ParcelLine",
    "Party",
    "PartyStanding",
    "Payee",
    "Payout",
    "PlatformClaim",
    "Posting",
    "Proposal",
    "Purchase",
    "PurchaseLine",
    "PurchaseMove",
    "Quote",
    "QuotePlan",
    "Recipient",
    "RecipientOpening",
    "ReconciledDay",
    "RoutingVersion",
    "Selection",
    "Share",
    "ShareSku",
    "SheetClaim",
    "SheetPurchase",
    "Signup",
    "Statement",
    "StatementLine",
    "Stray",
    "SupplierSheet",
    "Token",
    "Webhook",
]
