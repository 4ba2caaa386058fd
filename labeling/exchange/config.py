"""How Label Studio shows a task: the labelling configuration of a taxonomy, and the names its answers come back under."""

from xml.etree import ElementTree as ET

from labeling.taxonomy import Taxonomy

# Names of the controls: every answer refers to one of them, so they stay as they are.
TEXT = "text"
AREAS = "areas"
UNKNOWN = "unknown"
SEVERITY = "severity"


def labelling_config(taxonomy: Taxonomy) -> str:
    """The XML of a project: areas as choices, severity as a rating.

    Answers carry ids (`alias`), people read names. A rating of no star means that nobody rated, so one star is severity 0.
    """
    view = ET.Element("View")
    ET.SubElement(view, "Text", name=TEXT, value=f"${TEXT}")
    ET.SubElement(view, "Header", value="What does it break?")
    areas = ET.SubElement(
        view,
        "Choices",
        name=AREAS,
        toName=TEXT,
        choice="multiple",
        required="true",
        requiredMessage=f"Choose what it breaks, or {taxonomy.benign_name!r}.",
    )
    for area in taxonomy.areas:
        ET.SubElement(areas, "Choice", value=area.name, alias=area.id, hint=area.description)
    ET.SubElement(areas, "Choice", value=taxonomy.benign_name, alias=taxonomy.benign_id)
    ET.SubElement(view, "Header", value="What can you not judge?")
    unknown = ET.SubElement(view, "Choices", name=UNKNOWN, toName=TEXT, choice="multiple")
    for area in taxonomy.areas:
        ET.SubElement(unknown, "Choice", value=area.name, alias=area.id)
    steps = "; ".join(f"{step.level + 1}: {step.name} ({step.level})" for step in taxonomy.severities)
    ET.SubElement(view, "Header", value=f"How severe? Stars and severity: {steps}")
    ET.SubElement(view, "Rating", name=SEVERITY, toName=TEXT, maxRating=str(len(taxonomy.severities)))
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"
