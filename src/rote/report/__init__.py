"""Report: numbers, pictures and the examples themselves in one HTML file that needs no network and no server."""

from rote.report.findings import Findings as Findings
from rote.report.findings import findings as findings
from rote.report.page import write_report as write_report
from rote.report.panel import NotMeasured as NotMeasured
from rote.report.panel import read_panel as read_panel
from rote.report.sentences import sentences as sentences
