from .condition import Condition
from .contents import Report
from .facts import facts_of
from .job import ReportOptions, make_report
from .page import write_page
from .ranking import Ranking, RankingOptions, rank_scores
from .scores import ScoresFile, open_scores

__all__ = [
    "Condition",
    "Ranking",
    "RankingOptions",
    "Report",
    "ReportOptions",
    "ScoresFile",
    "facts_of",
    "make_report",
    "open_scores",
    "rank_scores",
    "write_page",
]
