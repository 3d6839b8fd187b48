"""Report: numbers, pictures and the examples themselves in one HTML file that needs no network and no server."""

from byrote.findings.evaluated_scores import read_panel as read_panel
from byrote.findings.findings import Findings as Findings
from byrote.findings.findings import findings as findings
from byrote.report.comparison_page import write_comparison as write_comparison
from byrote.report.comparison_sentences import audit_sentences as audit_sentences
from byrote.report.comparison_sentences import comparison_sentences as comparison_sentences
from byrote.report.comparison_sentences import stated_sentences as stated_sentences
from byrote.report.estimator import estimator_sentence as estimator_sentence
from byrote.report.memorize_page import write_memorized as write_memorized
from byrote.report.memorize_sentences import announced_sentences as announced_sentences
from byrote.report.memorize_sentences import memorize_sentences as memorize_sentences
from byrote.report.page import write_report as write_report
from byrote.report.verdict import sentences as sentences
from byrote.stats.not_measured import NotMeasured as NotMeasured
