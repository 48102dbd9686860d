"""Errors a user can meet, each with the problem and its cure.

A library never prints and never exits: it raises one of these, and the command line turns it
into one line and exit status 2.
"""


class EdgeSerError(Exception):
    """Base of every error that edge-ser raises on purpose.

    Parameters
    ----------
    problem : str
        What is wrong, naming the file, key or device; no full stop at the end.
    cure : str
        What to do next, as an instruction; no full stop at the end.
    """

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}. {cure}.")
        self.problem = problem
        self.cure = cure


class AudioFileError(EdgeSerError):
    """An audio file or stream cannot be read, or holds no usable audio."""


class AudioDeviceError(EdgeSerError):
    """A microphone cannot be found, opened or kept open."""


class ModelFileError(EdgeSerError):
    """A model file is missing, damaged, foreign, or made for another front end."""


class OutputError(EdgeSerError):
    """A file cannot be written."""


class BackendError(EdgeSerError):
    """No TFLite runtime works in this environment."""


class FeedbackError(EdgeSerError):
    """A correction cannot be taken, found, read or kept."""


class SettingsError(EdgeSerError):
    """A setting has an unknown name or an impossible value."""


class ServiceError(EdgeSerError):
    """The service cannot be installed, removed or looked at."""
