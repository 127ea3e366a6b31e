"""``python -m hilum``: the command line."""

from hilum.cli import main

main()
