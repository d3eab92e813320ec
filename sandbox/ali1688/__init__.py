"""1688 as a buyer's app meets it: strict signatures, its own spellings, flags that lie."""
