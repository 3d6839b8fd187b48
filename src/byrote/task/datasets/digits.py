"""Digits: 1,797 handwritten 8x8 digits (Alpaydin & Kaynak 1998, UCI), from scikit-learn."""

from typing import Any

import numpy as np

from byrote.errors import missing_extra
from byrote.task.examples import Examples

CLASSES = tuple(str(i) for i in range(10))


def digits() -> tuple[Examples, Examples]:
    """Return 1,498 training and 299 test images (every sixth one), with their positions in scikit-learn's file as ids."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise missing_extra("The digits come with scikit-learn", "sklearn") from None
    found: Any = load_digits()
    images = np.rint(found.images * (255 / 16)).astype(np.uint8)
    test = np.arange(len(images)) % 6 == 5
    examples = Examples(images, found.target)
    return examples[~test], examples[test]
