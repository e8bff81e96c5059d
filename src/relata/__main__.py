"""`python -m relata` is `relata`."""

from relata.cli import main

main()
