"""Identifiers of variants, such as dbSNP's, looked up with a bar that shows how far that has come."""

from __future__ import annotations

from pathlib import Path

from kipoi_tfb.output.progress import progress_bar
from tfb_matrix_data.blocks import CutOff
from tfb_matrix_data.errors import InputError, few
from tfb_matrix_data.variant_ids import Allele, KnownIds, find_ids
from tfb_matrix_data.variant_lines import open_variants
from tfb_matrix_data.variant_tables import Find

__all__ = ["finder"]


def finder(path: str | Path | None) -> Find | None:
    """Return what looks identifiers up in a VCF or BCF of the user's own; None without one.

    It reads the file through, since an identifier may stand anywhere in it and more than once, and keeps what it has
    found in the cache: the same identifiers in the same file are not looked for again.

    Raises
    ------
    InputError
        When it is called: if the file cannot be read to its end, or lacks an identifier.
    """
    if path is None:
        return None
    path = Path(path)

    def find(wanted: list[str]) -> dict[str, list[Allele]]:
        source = open_variants(path)
        known = KnownIds(path)
        new = [name for name in wanted if name not in known.found]
        if new:
            with progress_bar(f"looking up in {path.name}", None) as advance:
                try:
                    known.add(find_ids(source.blocks, new, advance))
                except CutOff as error:
                    raise InputError(path, f"is damaged or cut off ({error}); identifiers may be missing") from None
        lacking = [name for name in wanted if not known.found[name]]
        if lacking:
            raise InputError(
                path,
                f"has no record of {few(lacking)}, {len(lacking)} of the {len(wanted)} identifiers asked for; they may "
                "have been merged into others",
            )
        return {name: known.found[name] for name in wanted}

    return find
