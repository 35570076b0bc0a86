"""`tfb finetune --all`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kipoi_tfb.cli.options import listed, open_genome, say

if TYPE_CHECKING:
    from kipoi_tfb.cli.finetune_options import FinetuneOptions
    from kipoi_tfb.finetuning.config import FinetuneConfig
    from kipoi_tfb.finetuning.group import GroupRun, TfCount

__all__ = ["finetune_all"]


def finetune_all(options: FinetuneOptions, config: FinetuneConfig, controls: Any, command: str) -> None:
    """Fine-tune on every TF of a matrix that has enough regions, or say which have."""
    import numpy as np

    from kipoi_tfb.finetuning.base_regions import base_regions
    from kipoi_tfb.finetuning.group import GroupRun, count_bound, whole_regions
    from kipoi_tfb.zoo.find import find_entry
    from tfb_matrix_data.matrix import BindingMatrix

    assert options.from_matrix is not None
    with BindingMatrix(options.from_matrix) as matrix:
        regions = whole_regions(matrix, open_genome(options.genome))[0]
        exclude = base_regions(find_entry(config.base), matrix) if config.exclude_base else None
        regions = regions if exclude is None else np.setdiff1d(regions, exclude)
        counts = count_bound(matrix, regions, config.labels, listed(options.tfs), config.cell_types)
    run = GroupRun(
        config, options.group, options.from_matrix, options.genome, options.out, controls, options.device,
        options.precision, command, threads=options.threads or 1, exclude=exclude,
    )  # fmt: skip
    left_out = [count for count in counts if count.lacks(options.min_bound)]
    if options.dry_run:
        print("tf\ttrain\tvalidation\ttest\ttotal\tleft_out")
        for each in counts:
            why = each.lacks(options.min_bound)
            print(each.tf, each.train, each.validation, each.test, each.total, why, sep="\t")
    say(f"{len(counts) - len(left_out)} TFs have enough bound regions, {len(left_out)} have not")
    if not options.dry_run:
        _run_group(run, counts, options.min_bound, options.jobs)


def _run_group(run: GroupRun, counts: list[TfCount], min_bound: int, jobs: int) -> None:
    """Fine-tune all, a line per TF as it ends."""
    from collections import Counter

    from kipoi_tfb.finetuning.group import LEFT_OUT_FILE, finetune_group

    verdicts: Counter[str] = Counter()
    seconds = 0.0
    for outcome in finetune_group(run, counts, min_bound, jobs):
        verdicts[outcome.verdict] += 1
        seconds += outcome.seconds
        if outcome.words:
            print(f"{outcome.tf:<10} {outcome.seconds:6.1f} s  {outcome.words}", flush=True)
    for verdict, n in verdicts.most_common():
        say(f"{n:>5} {verdict}")
    say(f"{seconds:.0f} s in all; why TFs have no entry: {run.out / LEFT_OUT_FILE}")
    say(f"next: tfb zoo ls --group {run.out}\nthen: tfb zoo add {run.out}")
