"""Refuse a torch of another build than was asked for; the Dockerfile runs this: ``python check_torch.py cpu|cuda``."""

import sys

import torch


def fault(asked: str, cuda: str | None) -> str | None:
    """Return what is wrong with a torch made for a version of CUDA (None: for none), where a build was asked for."""
    if asked not in ("cpu", "cuda"):
        return f"TORCH_BUILD is {asked!r}; expected cpu or cuda"
    if (asked == "cuda") == (cuda is not None):
        return None
    other = "cuda" if asked == "cpu" else "cpu"
    return (
        f"pip gave a {other} build of torch, and TORCH_BUILD is {asked}; give --build-arg TORCH_INDEX=ADDRESS, the one "
        f"that PyTorch's Get Started page has for your platform, or --build-arg TORCH_BUILD={other}"
    )


if __name__ == "__main__":
    sys.exit(fault(sys.argv[1], torch.version.cuda))
