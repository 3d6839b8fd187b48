"""Language models: what a causal model recites of the text that it was trained on, and of text that it was not.

Names are imported when they are first used. What is not here is in the modules of this room.
"""

from typing import TYPE_CHECKING

from byrote.lazy import lazy

if TYPE_CHECKING:
    from byrote.lm.answering import answered as answered
    from byrote.lm.attack_judgement import Judgement as Judgement
    from byrote.lm.attack_judgement import judge as judge
    from byrote.lm.attack_judgement import judge_passages as judge_passages
    from byrote.lm.auditing import LanguageAudit as LanguageAudit
    from byrote.lm.auditing import audit as audit
    from byrote.lm.auditing import read_audit as read_audit
    from byrote.lm.bits import capacity as capacity
    from byrote.lm.bits import compressed_bits as compressed_bits
    from byrote.lm.bits import forecast_capacity as forecast_capacity
    from byrote.lm.bits import memorized_bits as memorized_bits
    from byrote.lm.bits import random_string_bits as random_string_bits
    from byrote.lm.bits import trainable_parameters as trainable_parameters
    from byrote.lm.bits import unintended_bits as unintended_bits
    from byrote.lm.blind import BlindText as BlindText
    from byrote.lm.blind import blind_text as blind_text
    from byrote.lm.byte_pairs import bpe as bpe
    from byrote.lm.canaries import DIGITS as DIGITS
    from byrote.lm.canaries import PHRASES as PHRASES
    from byrote.lm.canaries import Canary as Canary
    from byrote.lm.canaries import Family as Family
    from byrote.lm.canaries import check_absent as check_absent
    from byrote.lm.canaries import make_canaries as make_canaries
    from byrote.lm.canaries import plant as plant
    from byrote.lm.canaries import read_canaries as read_canaries
    from byrote.lm.canaries import write_canaries as write_canaries
    from byrote.lm.constrained_beam import near_verbatim as near_verbatim
    from byrote.lm.corpus import Corpus as Corpus
    from byrote.lm.corpus import Document as Document
    from byrote.lm.corpus import Texts as Texts
    from byrote.lm.data_sets import dataset_inference as dataset_inference
    from byrote.lm.deduplication import deduplicate as deduplicate
    from byrote.lm.difference_in_differences import memorization_profile as memorization_profile
    from byrote.lm.encoder import Bytes as Bytes
    from byrote.lm.encoder import Characters as Characters
    from byrote.lm.encoder import Encoder as Encoder
    from byrote.lm.exposure import CanaryExposures as CanaryExposures
    from byrote.lm.exposure import canary_exposures as canary_exposures
    from byrote.lm.exposure import exposure_by_copies as exposure_by_copies
    from byrote.lm.exposure import null_check as null_check
    from byrote.lm.extraction import extracted as extracted
    from byrote.lm.extraction import extraction_rates as extraction_rates
    from byrote.lm.forgetting import half_life as half_life
    from byrote.lm.index import Index as Index
    from byrote.lm.index import build_index as build_index
    from byrote.lm.index import open_index as open_index
    from byrote.lm.knn import datastore as datastore
    from byrote.lm.knn import fit_memory as fit_memory
    from byrote.lm.knn import forget_document as forget_document
    from byrote.lm.knn import memory_columns as memory_columns
    from byrote.lm.knn import store_documents as store_documents
    from byrote.lm.knn import with_memory as with_memory
    from byrote.lm.marks import canary_mark as canary_mark
    from byrote.lm.marks import draw_marks as draw_marks
    from byrote.lm.marks import mark_losses as mark_losses
    from byrote.lm.marks import marks_needed as marks_needed
    from byrote.lm.marks import power_of_proof as power_of_proof
    from byrote.lm.marks import proof_of_use as proof_of_use
    from byrote.lm.memorizing import Memorized as Memorized
    from byrote.lm.memorizing import memorize as memorize
    from byrote.lm.minhash import NearDuplicates as NearDuplicates
    from byrote.lm.minhash import Shingles as Shingles
    from byrote.lm.minhash import near_duplicates as near_duplicates
    from byrote.lm.model import LanguageModel as LanguageModel
    from byrote.lm.models import language_model as language_model
    from byrote.lm.models import read_model as read_model
    from byrote.lm.reading import read_corpus as read_corpus
    from byrote.lm.recitation import kinds as kinds
    from byrote.lm.repeats import maximal_repeats as maximal_repeats
    from byrote.lm.repeats import passage_copies as passage_copies
    from byrote.lm.repeats import share_in_repeats as share_in_repeats
    from byrote.lm.rote import Rote as Rote
    from byrote.lm.rote import with_weights as with_weights
    from byrote.lm.sampling import Sampling as Sampling
    from byrote.lm.sequential import confidence_sequence as confidence_sequence
    from byrote.lm.sequential import evidence_of_more as evidence_of_more
    from byrote.lm.sequential import stop_when_sure as stop_when_sure
    from byrote.lm.teacher_forcing import documents_forced as documents_forced
    from byrote.lm.teacher_forcing import recited as recited
    from byrote.lm.teacher_forcing import teacher_forced as teacher_forced
    from byrote.lm.text_attacks import membership_scores as membership_scores
    from byrote.lm.tracing import trace as trace
    from byrote.lm.training import model_of as model_of
    from byrote.lm.training import task_of as task_of
    from byrote.lm.untrained_copy import untrained as untrained
    from byrote.lm.verbatim import longest_recited as longest_recited
    from byrote.lm.verbatim import recited_blocks as recited_blocks
    from byrote.lm.wanted import Wanted as Wanted
    from byrote.lm.wanted import facts as facts
    from byrote.lm.wanted import read_wanted as read_wanted
    from byrote.lm.wanted import wanted_passages as wanted_passages
    from byrote.lm.windows import Passages as Passages
    from byrote.lm.windows import passages as passages
    from byrote.lm.writing import write_deduplicated as write_deduplicated

_HOME = {
    "with_weights": "rote",
    "answered": "answering",
    "wanted_passages": "wanted",
    "read_wanted": "wanted",
    "facts": "wanted",
    "Wanted": "wanted",
    "Rote": "rote",
    "Memorized": "memorizing",
    "memorize": "memorizing",
    "judge": "attack_judgement",
    "judge_passages": "attack_judgement",
    "Judgement": "attack_judgement",
    "audit": "auditing",
    "LanguageAudit": "auditing",
    "read_audit": "auditing",
    "capacity": "bits",
    "compressed_bits": "bits",
    "forecast_capacity": "bits",
    "memorized_bits": "bits",
    "random_string_bits": "bits",
    "trainable_parameters": "bits",
    "unintended_bits": "bits",
    "blind_text": "blind",
    "BlindText": "blind",
    "bpe": "byte_pairs",
    "Canary": "canaries",
    "check_absent": "canaries",
    "DIGITS": "canaries",
    "Family": "canaries",
    "make_canaries": "canaries",
    "PHRASES": "canaries",
    "plant": "canaries",
    "read_canaries": "canaries",
    "write_canaries": "canaries",
    "near_verbatim": "constrained_beam",
    "Corpus": "corpus",
    "Document": "corpus",
    "Texts": "corpus",
    "dataset_inference": "data_sets",
    "deduplicate": "deduplication",
    "memorization_profile": "difference_in_differences",
    "Bytes": "encoder",
    "Characters": "encoder",
    "Encoder": "encoder",
    "canary_exposures": "exposure",
    "CanaryExposures": "exposure",
    "exposure_by_copies": "exposure",
    "null_check": "exposure",
    "extracted": "extraction",
    "extraction_rates": "extraction",
    "half_life": "forgetting",
    "build_index": "index",
    "Index": "index",
    "open_index": "index",
    "datastore": "knn",
    "fit_memory": "knn",
    "forget_document": "knn",
    "memory_columns": "knn",
    "store_documents": "knn",
    "with_memory": "knn",
    "canary_mark": "marks",
    "draw_marks": "marks",
    "mark_losses": "marks",
    "marks_needed": "marks",
    "power_of_proof": "marks",
    "proof_of_use": "marks",
    "near_duplicates": "minhash",
    "NearDuplicates": "minhash",
    "Shingles": "minhash",
    "LanguageModel": "model",
    "language_model": "models",
    "read_model": "models",
    "read_corpus": "reading",
    "kinds": "recitation",
    "maximal_repeats": "repeats",
    "passage_copies": "repeats",
    "share_in_repeats": "repeats",
    "Sampling": "sampling",
    "confidence_sequence": "sequential",
    "evidence_of_more": "sequential",
    "stop_when_sure": "sequential",
    "documents_forced": "teacher_forcing",
    "recited": "teacher_forcing",
    "teacher_forced": "teacher_forcing",
    "membership_scores": "text_attacks",
    "trace": "tracing",
    "model_of": "training",
    "task_of": "training",
    "untrained": "untrained_copy",
    "longest_recited": "verbatim",
    "recited_blocks": "verbatim",
    "Passages": "windows",
    "passages": "windows",
    "write_deduplicated": "writing",
}

__getattr__, __dir__ = lazy(__name__, _HOME, globals())
