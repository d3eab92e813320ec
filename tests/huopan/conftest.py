"""The command line as a person uses it, in this process, on real servers."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from huopan.cli import main
from kit import settings

GOODS = """青山日用 2026 报价单,,,,
联系人 张经理,,,,
货号,品名,供货价,库存,条码
A0007,茉莉花茶 250g,￥12.80/盒,120,6901234567892
A0008,婴儿纸尿裤 L码 36片,59.9元,库存充足,
"""
BAD_ROW = "A0009,洗衣液 3kg,面议,10,\n"


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Cli:
    """`huopan …` in a folder of its own."""

    folder: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        self.capture.readouterr()
        self.patch.setattr(sys, "argv", ["huopan", *arguments])
        self.patch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        said = self.capture.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    def file(self, name: str, content: str | bytes) -> str:
        """A file in the folder; returns its path."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def stocked(self) -> "Cli":
        """With two goods of the source teahouse in the catalogue."""
        assert self("import", self.file("goods.csv", GOODS), "--source", "teahouse").code == 0
        return self

    def set(self, key: str, value: str) -> None:
        """Another setting, by its name in the environment."""
        self.patch.setenv(f"HUOPAN_{key}", value)


@pytest.fixture
def huopan(
    tmp_path: Path,
    database_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Cli]:
    cli = Cli(tmp_path, monkeypatch, capsys)
    monkeypatch.chdir(tmp_path)
    cli.set("DATABASE__URL", database_url)
    cli.set("REDIS__URL", redis_url)
    cli.set("DATA__DIR", str(tmp_path / "var"))
    settings.load().ensure_key()
    handlers, level = logging.root.handlers[:], logging.root.level
    yield cli
    logging.root.handlers, logging.root.level = handlers, level
    structlog.reset_defaults()
