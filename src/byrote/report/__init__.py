"""Report: numbers, pictures and the examples themselves in one HTML file that needs no network and no server."""

from byrote.findings.evaluated_scores import read_panel as read_panel
from byrote.findings.findings import Findings as Findings
from byrote.findings.findings import findings as findings
from byrote.report.estimator import estimator_sentence as estimator_sentence
from byrote.report.page import write_report as write_report
from byrote.report.verdict import sentences as sentences
from byrote.stats.not_measured import NotMeasured as NotMeasured
