from .card_page import card_leaflet, learnt_picture
from .condition import Condition
from .contents import Leaflet, Picture, Report, Section, Sheet
from .facts import facts_of
from .job import ReportOptions, make_report
from .motif_page import patterns_leaflet
from .page import write_page
from .ranking import Ranking, RankingOptions, rank_scores
from .scores import ScoresFile, open_scores
from .sheets import evaluation_sheet, regions_sheet

__all__ = [
    "Condition",
    "Leaflet",
    "Picture",
    "Ranking",
    "RankingOptions",
    "Report",
    "ReportOptions",
    "ScoresFile",
    "Section",
    "Sheet",
    "card_leaflet",
    "evaluation_sheet",
    "facts_of",
    "learnt_picture",
    "make_report",
    "open_scores",
    "patterns_leaflet",
    "rank_scores",
    "regions_sheet",
    "write_page",
]
