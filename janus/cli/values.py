"""Values on the command line: types, whose names argparse shows, and the tasks."""

TASKS = ("translation", "summary", "question", "reply")


def positive(text: str) -> int:
    """A whole number above zero."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


positive.__name__ = "positive number"
