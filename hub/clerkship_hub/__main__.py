"""``python -m clerkship_hub``: the command line."""

from clerkship_hub.cli import main

main()
