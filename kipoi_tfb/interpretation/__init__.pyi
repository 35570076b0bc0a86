from .attributions import Contributions, Explainer, explainer_of
from .bound_windows import CorrectWindows, bound_of_matrix, bound_of_regions, correctly_predicted
from .completeness import completeness_error, is_complete
from .discovery import Discovery, Pattern, discover, write_modisco, write_patterns
from .files import ReadContributions, read_contributions
from .filter_table import write_filters
from .filters import FilterMotif, FilterOptions, Influence, entry_filters, filter_influence, filter_sites
from .grammar import Grammar, GrammarOptions, GrammarRow
from .hits import Hit, HitOptions, Place, find_hits, used_places, write_hits
from .job import ExplainSummary, explain
from .plot_filters import plot_filters
from .plot_patterns import plot_motif, plot_pattern
from .references import dinucleotide_shuffles
from .sources import Source

__all__ = [
    "Contributions",
    "CorrectWindows",
    "Discovery",
    "ExplainSummary",
    "Explainer",
    "FilterMotif",
    "FilterOptions",
    "Grammar",
    "GrammarOptions",
    "GrammarRow",
    "Hit",
    "HitOptions",
    "Influence",
    "Pattern",
    "Place",
    "ReadContributions",
    "Source",
    "bound_of_matrix",
    "bound_of_regions",
    "completeness_error",
    "correctly_predicted",
    "dinucleotide_shuffles",
    "discover",
    "entry_filters",
    "explain",
    "explainer_of",
    "filter_influence",
    "filter_sites",
    "find_hits",
    "is_complete",
    "plot_filters",
    "plot_motif",
    "plot_pattern",
    "read_contributions",
    "used_places",
    "write_filters",
    "write_hits",
    "write_modisco",
    "write_patterns",
]
