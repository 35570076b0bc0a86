from .attributions import Contributions, Explainer
from .bound_windows import CorrectWindows, bound_of_matrix, bound_of_regions, correctly_predicted
from .completeness import completeness_error, is_complete
from .files import read_contributions
from .filter_table import write_filters
from .filters import FilterMotif, FilterOptions, Influence, entry_filters, filter_influence, filter_sites
from .grammar import Grammar, GrammarOptions, GrammarRow
from .job import ExplainSummary, explain
from .plot_filters import plot_filters
from .references import dinucleotide_shuffles
from .sources import Source

__all__ = [
    "Contributions",
    "CorrectWindows",
    "ExplainSummary",
    "Explainer",
    "FilterMotif",
    "FilterOptions",
    "Grammar",
    "GrammarOptions",
    "GrammarRow",
    "Influence",
    "Source",
    "bound_of_matrix",
    "bound_of_regions",
    "completeness_error",
    "correctly_predicted",
    "dinucleotide_shuffles",
    "entry_filters",
    "explain",
    "filter_influence",
    "filter_sites",
    "is_complete",
    "plot_filters",
    "read_contributions",
    "write_filters",
]
