"""YAML that is data and nothing else: cards and configurations, which are not trusted."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["plain_yaml"]

_DEEPEST = 20
# libyaml's, where it was built in: ten times as fast, and a zoo has a hundred cards.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _PlainLoader(_Loader):
    """Refuses a key that is there twice: a reader of the file would see one, a program take the other."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                mark = key_node.start_mark
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is there twice", mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def plain_yaml(text: str) -> Any:
    """Return the dicts, lists, texts and numbers of a YAML text.

    Raises
    ------
    yaml.YAMLError
        If it is not YAML; has a tag, which asks for objects of other kinds, or an alias, by which a few lines become
        millions; is nested more than 20 deep; or names a key twice.
    """
    depth = 0
    try:
        for event in yaml.parse(text, _Loader):
            if isinstance(event, yaml.AliasEvent):
                raise yaml.YAMLError(f"it has an alias (*{event.anchor}); write out what it stands for")
            if (tag := getattr(event, "tag", None)) is not None:
                raise yaml.YAMLError(f"it has a tag ({tag}); texts, numbers, lists and mappings have none")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise yaml.YAMLError(f"it is nested more than {_DEEPEST} deep")
        return yaml.load(text, _PlainLoader)  # noqa: S506 (it is a safe one)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # A date of month 13, a number of 5,000 digits, a key that is a list: what constructs them says so in any way.
        raise yaml.YAMLError(str(error)) from None
