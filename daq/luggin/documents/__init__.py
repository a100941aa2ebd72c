"""TOML and YAML files: data, the line of every key, and words for what is wrong with them."""

from luggin.documents.document import MAXIMUM_BYTES, Document, load_toml, read_toml
from luggin.documents.scanner import MAXIMUM_NESTING, KeyPath
from luggin.documents.words import did_you_mean, shown, toml_value
from luggin.documents.yaml_text import is_yaml, load_document, load_yaml, read_document, read_yaml

__all__ = [
    "Document",
    "load_document",
    "read_document",
    "load_toml",
    "read_toml",
    "load_yaml",
    "read_yaml",
    "is_yaml",
    "KeyPath",
    "MAXIMUM_BYTES",
    "MAXIMUM_NESTING",
    "did_you_mean",
    "toml_value",
    "shown",
]
