"""`python -m rote` is `rote`."""

from rote.cli import main

if __name__ == "__main__":
    main()
