from .figures import figure_file
from .pieces import Pieces
from .progress import progress_bar
from .tables import open_table
from .tracks import open_track
from .workers import Cluster

__all__ = [
    "Cluster",
    "Pieces",
    "figure_file",
    "open_table",
    "open_track",
    "progress_bar",
]
