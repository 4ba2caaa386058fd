"""What an image model may see in a picture: names of our own, since no model is asked for whole policy areas.

A picture shows that somebody is naked; whether that is adult content, exploitation or a medical drawing is for people.
So each class is a sign of one area of the shipped taxonomy, by whose graphic class it is blurred, and of nothing more.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageClass:
    """One thing to be seen in pictures; `area` is the policy area that it is a sign of."""

    id: str
    area: str
    description: str


IMAGE_CLASSES = (
    ImageClass("sexual", "adult_sexual_content", "Nudity or sexual acts, photographed or drawn."),
    ImageClass("graphic_violence", "graphic_violence", "Blood, wounds, bodies or cruelty, to people or animals."),
    ImageClass("self_harm", "self_harm", "Somebody hurting themselves, or the wounds of it."),
    ImageClass("hate_symbols", "hateful_conduct", "Symbols and gestures of hate."),
)
IMAGE_CLASS_IDS = tuple(one.id for one in IMAGE_CLASSES)
