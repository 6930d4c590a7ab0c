"""`python -m qembed`."""

from qembed.cli import main

if __name__ == "__main__":
    main()
