"""Sections and code blocks of a page in Markdown."""

import re


def section(page: str, title: str) -> str:
    """The text below the heading of level 2 with this title, up to the next one."""
    [found] = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    return found


def block(text: str, language: str) -> str:
    """The only code block of a language in a text."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return found


def blocks(text: str, language: str) -> list[str]:
    """All code blocks of a language in a text."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
