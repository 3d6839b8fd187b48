"""How a number in the units of a target is written."""

import numpy as np


def in_units(value: float, scale: float) -> str:
    """Return a number with as many decimals as show a hundredth of `scale`, the standard deviation of the target."""
    digits = max(0, 2 - int(np.floor(np.log10(scale))))
    return f"{value:.{digits}f}"
