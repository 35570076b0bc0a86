from .condition import Condition
from .contents import Report, Sheet
from .facts import facts_of
from .job import ReportOptions, make_report
from .page import write_page
from .ranking import Ranking, RankingOptions, rank_scores
from .scores import ScoresFile, open_scores
from .sheets import evaluation_sheet, regions_sheet

__all__ = [
    "Condition",
    "Ranking",
    "RankingOptions",
    "Report",
    "ReportOptions",
    "ScoresFile",
    "Sheet",
    "evaluation_sheet",
    "facts_of",
    "make_report",
    "open_scores",
    "rank_scores",
    "regions_sheet",
    "write_page",
]
