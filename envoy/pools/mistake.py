"""What is wrong in the configuration."""


class Mistake(Exception):
    """A mistake with its path, as a sentence for the operator."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
