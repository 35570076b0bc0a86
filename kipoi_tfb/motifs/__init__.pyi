from .denovo import find_motifs
from .profiles import Motif, jaspar_motifs, read_motifs
from .scorer import MotifScorer, score_motifs

__all__ = [
    "Motif",
    "MotifScorer",
    "find_motifs",
    "jaspar_motifs",
    "read_motifs",
    "score_motifs",
]
