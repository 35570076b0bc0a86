"""Making the zoo known to Kipoi by name, in the user's ``~/.kipoi/config.yaml``, and undoing it."""

from __future__ import annotations

from pathlib import Path

import yaml

from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.names import PART

__all__ = ["config_path", "register_source", "unregister_source"]


def config_path() -> Path:
    """Return the only configuration file that Kipoi reads."""
    return Path.home() / ".kipoi" / "config.yaml"


def register_source(name: str, folder: Path) -> None:
    """Add a local source to Kipoi's configuration, or point an existing one to `folder`.

    All other settings stay (comments in the file do not: YAML writers drop them). Without a configuration file,
    Kipoi writes its own default first.

    Raises
    ------
    ConfigError
        If the name is none, Kipoi is not installed, or the file is not what Kipoi would read.
    """
    if fault := PART.fault(name):
        raise ConfigError(fault)
    path = config_path()
    if not path.is_file():
        _write_default(path)
    config = _read(path)
    config["model_sources"][name] = {"type": "local", "local_path": str(folder)}
    _write(path, config)


def unregister_source(name: str) -> bool:
    """Take a source out of Kipoi's configuration; return whether it was there."""
    path = config_path()
    if not path.is_file():
        return False
    config = _read(path)
    if config["model_sources"].pop(name, None) is None:
        return False
    _write(path, config)
    return True


def _write_default(path: Path) -> None:
    try:
        import kipoi.config  # importing it for the first time writes the file
    except ImportError as error:
        raise ConfigError(f"kipoi is not installed ({error}); pip install kipoi-tfb brings it") from None
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        sources = kipoi.config.model_sources_dict()
        _write(path, {"model_sources": {name: dict(source) for name, source in sources.items() if name != "dir"}})


def _read(path: Path) -> dict:
    try:
        config = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not YAML: {error}; mend or remove it") from None
    if not isinstance(config, dict) or not isinstance(config.get("model_sources"), dict):
        raise ConfigError(f"{path}: has no model_sources; mend or remove it, and Kipoi writes a new one")
    return config


def _write(path: Path, config: dict) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(yaml.safe_dump(config, sort_keys=False, indent=4, default_flow_style=False))
