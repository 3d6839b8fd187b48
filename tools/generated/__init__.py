"""Pages that are generated from the code, one file for each."""

NOTE = "<!-- Generated from the code by `make docs`. Do not edit. -->\n"
"""First line of each page that is generated whole."""
