"""YAML whose mappings remember their lines, so that an error can say where; instants stay text."""

from pathlib import Path
from typing import Any

import yaml


class StoryError(Exception):
    """A story cannot be read: which file, which line, what is wrong."""


class MarkedMapping(dict[str, Any]):
    """A mapping that knows the line it begins on (from 1)."""

    line: int = 0


class _MarkedLoader(yaml.SafeLoader):
    """A safe loader of its own: marks mappings, refuses a key given twice, reads no timestamps."""


def _mapping(loader: _MarkedLoader, node: yaml.MappingNode) -> MarkedMapping:
    mapping = MarkedMapping()
    mapping.line = node.start_mark.line + 1
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in mapping:
            raise yaml.constructor.ConstructorError(None, None, f"{key} is given twice", key_node.start_mark)
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


def _text(_loader: _MarkedLoader, node: yaml.ScalarNode) -> str:
    return str(node.value)


_MarkedLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
_MarkedLoader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def read_marked(path: Path) -> MarkedMapping:
    """Return the document; raises StoryError with file and line for what is no mapping."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_MarkedLoader)  # noqa: S506  # a safe loader
    except OSError as error:
        raise StoryError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise StoryError(f"{where}: {getattr(error, 'problem', None) or 'not a text file'}") from error
    if not isinstance(document, MarkedMapping):
        raise StoryError(f"{path}:1: a story is a mapping with name, given, when, then")
    return document
