"""Language models: what a causal model recites of the text that it was trained on, and of text that it was not."""

from byrote.lm.corpus import Corpus as Corpus
from byrote.lm.corpus import Document as Document
from byrote.lm.corpus import Texts as Texts
from byrote.lm.encoder import Bytes as Bytes
from byrote.lm.encoder import Characters as Characters
from byrote.lm.encoder import Encoder as Encoder
from byrote.lm.language_model import LanguageModel as LanguageModel
from byrote.lm.passages import Passages as Passages
from byrote.lm.passages import passages as passages
