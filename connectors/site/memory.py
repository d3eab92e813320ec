"""How much memory a crawl holds, for the limit that its settings set."""

import psutil
from scrapy.extensions.memusage import MemoryUsage


class Held(MemoryUsage):
    """Counts what the crawl holds now.

    Scrapy's own asks for the peak, which a new process takes over from the one that started it:
    behind a worker that was large once, every crawl ended at its first look.
    """

    def get_virtual_size(self) -> int:
        return int(psutil.Process().memory_info().rss)
