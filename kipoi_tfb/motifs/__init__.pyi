from .denovo import find_motifs
from .jaspar import jaspar_motifs, vertebrate_motifs
from .meme import write_meme
from .profiles import Motif, read_motifs
from .scorer import MotifScorer, score_motifs
from .tomtom import Match, Similarities, compare_motifs

__all__ = [
    "Match",
    "Motif",
    "MotifScorer",
    "Similarities",
    "compare_motifs",
    "find_motifs",
    "jaspar_motifs",
    "read_motifs",
    "score_motifs",
    "vertebrate_motifs",
    "write_meme",
]
