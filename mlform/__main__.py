"""`python -m mlform`."""

from __future__ import annotations

from mlform.cli.main import main

if __name__ == "__main__":
    main()
