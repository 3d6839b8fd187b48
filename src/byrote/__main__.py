"""`python -m byrote` is `byrote`."""

from byrote.cli import main

if __name__ == "__main__":
    main()
