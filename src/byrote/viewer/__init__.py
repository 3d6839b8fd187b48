"""Viewer: a local page over audits, comparisons and language audits, to look at examples and decide about them."""

from byrote.viewer.serving import view as view
