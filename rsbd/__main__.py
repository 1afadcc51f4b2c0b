"""``python -m rsbd`` is the command ``rsbd``."""

from rsbd.cli import main

if __name__ == "__main__":
    main()
