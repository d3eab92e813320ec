"""`python -m huopan` is `huopan`."""

from huopan.cli import main

main()
