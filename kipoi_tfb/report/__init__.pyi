from .condition import Condition
from .ranking import Ranking, RankingOptions, rank_scores
from .scores import ScoresFile, open_scores

__all__ = [
    "Condition",
    "Ranking",
    "RankingOptions",
    "ScoresFile",
    "open_scores",
    "rank_scores",
]
