"""The application: `create` puts it together from what it is given, and opens nothing itself."""

import redis
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api import docs, errors, health
from api.limits import BodyLimit, Limiter
from api.observe import Numbers, Observe
from api.office import Office
from api.openapi import ANSWERS, described
from api.routes import ROUTERS
from catalog.search import SearchIndex
from kit import __version__
from kit.db import Database
from kit.settings import Settings

ABOUT = """
Supply-chain aggregation and dropshipping for private-domain commerce.

Money is CNY as decimal text, times are RFC 3339 with an offset, ids are opaque. Lists answer
`{"items": […], "next": cursor or null}`. Errors are `application/problem+json` with `code`,
`detail`, `errors` and `request_id`. Writes take `Idempotency-Key`: the same key and request get
the same answer for seven days.
"""


def _operation(route: APIRoute) -> str:
    module = str(getattr(route.endpoint, "__module__", "")).rpartition(".")[2]
    return f"{module}.{route.name}"


_WHOLE = APIRouter(responses=ANSWERS, generate_unique_id_function=_operation)
"""All routes of ours. FastAPI looks through each once it is asked for, which takes a tenth of a
second: so the applications of one process share what it has found."""

for _router in (*ROUTERS, health.router, docs.router):
    _WHOLE.include_router(_router)


def create(settings: Settings, database: Database, client: redis.Redis) -> FastAPI:
    """The API over these. Whoever calls opens and closes them. Raises SettingsError."""
    here = Office(
        given=settings,
        db=database,
        redis=client,
        index=SearchIndex(settings.data.dir),
        limiter=Limiter(client, settings.api.requests_per_minute),
    )
    app = FastAPI(
        title="Huopan 货盘",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.office = here
    app.state.registry = health.registry(here)
    app.router.routes.extend(_WHOLE.routes)
    app.state.routes = _routes((*ROUTERS, health.router, docs.router))
    app.openapi = lambda: described(app)  # type: ignore[method-assign]
    errors.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Observe, numbers=Numbers(app.state.registry))
    return app


def _routes(routers: tuple[APIRouter, ...]) -> list[APIRoute]:
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
