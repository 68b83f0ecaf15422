"""The one error a user meets when something they gave is wrong."""


class InputError(ValueError):
    """Bad input: a file, a config entry, an option.

    The message is one line that says what is wrong, where, and how to mend it.
    Command-line entries print it without a traceback; library callers may catch it as a ValueError.

    >>> str(InputError("the file is empty", where="corpus/train.de", mend="restore it from the download"))
    'corpus/train.de: the file is empty; restore it from the download'
    """

    def __init__(self, what: str, *, where: object, mend: str):
        super().__init__(f"{where}: {what}; {mend}")
        self.what, self.where, self.mend = what, where, mend
