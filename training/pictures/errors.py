"""The one error of training image models."""


class PictureTrainingError(ValueError):
    """An image model that cannot be trained or must not be exported; the message says why and how to mend it."""
