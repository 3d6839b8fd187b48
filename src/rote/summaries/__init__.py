"""Summaries: values -> one number with its interval."""

from rote.summaries.agreement import spearman as spearman
from rote.summaries.agreement import top_overlap as top_overlap
from rote.summaries.auroc import auroc as auroc
from rote.summaries.forecast import Forecast as Forecast
from rote.summaries.forecast import Tally as Tally
from rote.summaries.forecast import forecast as forecast
from rote.summaries.gap import gap as gap
from rote.summaries.precision_at_k import precision_at_k as precision_at_k
from rote.summaries.reliability import split_half as split_half
from rote.summaries.tpr_at_fpr import OperatingPoint as OperatingPoint
from rote.summaries.tpr_at_fpr import tpr_at_fpr as tpr_at_fpr
