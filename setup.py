"""Find the packages; all else about the distribution is in pyproject.toml.

``dataloaders``, ``model_zoo`` and ``templates`` are installed as sub-packages of ``kipoi_tfb`` (``package-dir`` in
pyproject.toml), which setuptools cannot discover by itself.
"""

from setuptools import find_packages, setup

MAPPED = ("dataloaders", "model_zoo", "templates")

packages = find_packages(include=["tfb_matrix_data", "tfb_matrix_data.*", "kipoi_tfb", "kipoi_tfb.*"])
packages += [f"kipoi_tfb.{name}" for folder in MAPPED for name in find_packages(include=[folder, f"{folder}.*"])]

setup(packages=packages)
