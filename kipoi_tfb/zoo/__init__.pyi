from .card import Card
from .change import add_entries, remove_entry
from .entry import Entry, open_entry
from .find import find_entries, find_entry
from .hub_folder import export_entry
from .hub_import import import_entry
from .networks import load_network
from .onnx_file import write_onnx
from .verify import verify_entry
from .write import write_entry

__all__ = [
    "Card",
    "Entry",
    "add_entries",
    "export_entry",
    "find_entries",
    "find_entry",
    "import_entry",
    "load_network",
    "open_entry",
    "remove_entry",
    "verify_entry",
    "write_entry",
    "write_onnx",
]
