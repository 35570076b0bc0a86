from .attributions import Contributions, Explainer
from .completeness import completeness_error, is_complete
from .files import read_contributions
from .grammar import Grammar, GrammarOptions, GrammarRow
from .job import ExplainSummary, explain
from .references import dinucleotide_shuffles
from .sources import Source

__all__ = [
    "Contributions",
    "ExplainSummary",
    "Explainer",
    "Grammar",
    "GrammarOptions",
    "GrammarRow",
    "Source",
    "completeness_error",
    "dinucleotide_shuffles",
    "explain",
    "is_complete",
    "read_contributions",
]
