"""`python -m server.cli`, for where no script is installed."""

from server.cli import main

main()
