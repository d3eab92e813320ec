"""1688 (open.1688.com): wholesale and one-piece buying, as a buyer's account sees it."""
