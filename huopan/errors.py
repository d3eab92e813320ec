"""What stops a command or a role before it has begun; the message says what to do."""


class HouseError(Exception):
    """The house cannot be entered like this."""


class UpError(Exception):
    """Why `up` cannot run."""
