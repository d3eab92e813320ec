"""Rejected rows as a sheet that their author can open: CSV, UTF-8 with BOM."""

import csv
import io
from collections.abc import Iterable

from connectors.model import Reject

HEADER = ("文件 file", "行 line", "列 column", "值 value", "原因 reason")
_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def rejects_csv(rejects: Iterable[Reject]) -> bytes:
    """The rejects in their order; a `'` disarms what a spreadsheet would run as a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    for reject in rejects:
        texts = (reject.column, reject.value, reject.reason)
        writer.writerow((inert(reject.file), reject.line, *(inert(text) for text in texts)))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula, without NUL."""
    text = text.replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_ACTIVE) else text
