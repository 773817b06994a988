"""What is wrong in the configuration."""


class Mistake(Exception):
    """A mistake with its path, as a sentence for the operator."""

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        sentence = f"{path}: {problem}" if path else problem
        super().__init__("".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in sentence))
