"""The version of the package; runs carry it, for another version may train other numbers."""

__version__ = "0.1.0"
