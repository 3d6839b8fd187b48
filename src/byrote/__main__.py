"""`python -m byrote` is `byrote`."""

import os
import sys
from contextlib import suppress

with suppress(FileNotFoundError):  # the current folder was deleted: main says so
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if sys.path[:1] == [os.getcwd()] != [own]:
        del sys.path[0]  # -m puts the current folder first: a torch.py in it would be taken for torch

from byrote.cli import main

if __name__ == "__main__":
    main()
