from .effects import EffectScorer
from .mutagenesis import mutate_region
from .score import ScoringOptions, ScoringSummary, score_variants
from .view import view_variant

__all__ = [
    "EffectScorer",
    "ScoringOptions",
    "ScoringSummary",
    "mutate_region",
    "score_variants",
    "view_variant",
]
