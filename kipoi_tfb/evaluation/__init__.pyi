from .comparison import compare
from .job import Evaluation, evaluate
from .metrics import TfMetrics
from .open import open_scorer
from .regions import LabelledRegions
from .scorers import Scorer

__all__ = [
    "Evaluation",
    "LabelledRegions",
    "Scorer",
    "TfMetrics",
    "compare",
    "evaluate",
    "open_scorer",
]
