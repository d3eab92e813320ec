"""What a source that talks to a network needs of the process around it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from kit import clock
from kit.settings import MailSettings

from .budgets import Budgets
from .tokens import Tokens


@dataclass(frozen=True)
class Surroundings:
    """Call budgets, tokens and clocks, shared by every source of a process.

    The defaults stand alone: budgets and tokens of this process only, which is right for a tool
    that runs by itself. Workers and API processes give both, on Redis and PostgreSQL.
    `deadline` is how many seconds one call may take in all, waiting for its budget included; a
    request that a person waits for sets 3. `mail` is how mail leaves. `sleep` and `now` are
    replaced in tests.
    """

    budgets: Budgets = field(default_factory=Budgets)
    tokens: Tokens = field(default_factory=Tokens)
    deadline: float = 60.0
    now: Callable[[], datetime] = clock.now
    sleep: Callable[[float], None] = time.sleep
    mail: MailSettings = field(default_factory=MailSettings)
