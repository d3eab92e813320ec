"""What `up --demo` prepares before the roles start, and tells when they answer."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.model import Watched
from huopan.demo import people, sheets, story
from huopan.demo.people import Person
from huopan.demo.platforms import FOLLOWED, Platforms
from huopan.house import House, entered
from huopan.index import abreast
from huopan.pricelists import Given, bring
from huopan.servers import Endpoints
from kit import clock
from kit.ids import outside
from kit.settings import Settings
from sync import sources, watching
from sync.overview import overview

FOLDER = "demo"
"""Below the data folder: the suppliers' files, to be looked at and edited."""

_BOUGHT = "QH001-004"
"""What the story buys."""


@dataclass
class Demo:
    """One start with demo data. `say` tells a person what happens."""

    settings: Settings
    say: Callable[[str], None]
    accounts: list[Person] = field(default_factory=list)
    sku: str = ""

    def prepare(self, servers: Endpoints) -> None:
        """Sources, goods and accounts, each made once; then the search index."""
        files = sheets.write(self._folder)
        feeds = {
            code: {"kind": "feed", "location": str(path.absolute())} for code, path in files.items()
        }
        with entered(self.settings, servers) as house:
            configs = feeds | self.platforms.configs()
            ours = [code for code, config in configs.items() if _recorded(house, code, config)]
        with entered(self.settings, servers) as house:  # now it knows them
            for code in sorted(files.keys() & ours):
                self._bring(house, code, files[code])
            with house.db.as_system() as session:
                for code in FOLLOWED.keys() & ours:
                    asked = [Watched("query", words, pages=2) for words in FOLLOWED[code]]
                    watching.watch(session, code, asked)
                self.accounts = people.made(session)
                self.sku = _sku(session)
            abreast(house)

    def ready(self, address: str) -> None:
        """Who can log in, the first call, and what to try next."""
        stage = story.Stage(
            address=address,
            huopan=_command(),
            python=sys.executable,
            here=Path.cwd(),
            data=self.settings.data.dir.absolute(),
            folder=self._folder.absolute(),
            sku=self.sku,
            reference=f"DEMO-{clock.now():%m%d%H%M%S}",
        )
        self.say(story.told(stage, self.accounts))

    @cached_property
    def platforms(self) -> Platforms:
        """The simulated platforms, on the port that this start found free."""
        return Platforms(self._folder / "sandbox")

    @property
    def _folder(self) -> Path:
        return self.settings.data.dir / FOLDER

    def _bring(self, house: House, code: str, path: Path) -> None:
        with house.db.as_system() as session:
            state = {one.code: one for one in overview(session, house.settings, clock.now())}
        if code in state and state[code].last_run is not None:
            return
        report = bring(house, Given(str(path), code), dry_run=False)
        self.say(
            f"{path.name}: {report.seen} goods of {code} are in the catalogue,"
            f" {report.rejected} rows were rejected."
        )


def _command() -> str:
    """How this very installation's command line is called, as a shell takes it."""
    beside = Path(sys.executable).with_name("huopan")
    return shlex.join([str(beside)] if beside.exists() else [sys.executable, "-m", "huopan"])


def _recorded(house: House, code: str, config: dict[str, str]) -> bool:
    """Record a source of the demo; False where settings name another one by its code."""
    with house.db.as_system() as session:
        if not sources.is_ours(session, house.settings, code):
            return False
        sources.record(session, house.settings, code, config)
    return True


def _sku(session: Session) -> str:
    """The SKU that the story buys, or any other that is offered by the piece."""
    found = session.scalar(
        text("""
            SELECT o.sku_id FROM offers o JOIN prices p ON p.offer_id = o.id
            WHERE o.state = 'live' AND p.mode = 'dropship'
            ORDER BY o.source = 'qinghe' AND o.external_id = :bought DESC, o.id LIMIT 1
        """),
        {"bought": _BOUGHT},
    )
    return outside("sku", found or 0)
