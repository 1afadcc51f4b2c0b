"""The address of a scene's static page, and its QR code."""

import io


def page_name(number: int) -> str:
    """Return the file name of a scene."""
    return f"scene-{number:02d}.html"


def linked(number: int, link: str) -> dict[str, str]:
    """Return the address of a scene's static page and its QR code as SVG; nothing without an address.

    Examples
    --------
    >>> linked(3, "")
    {}
    """
    if not link:
        return {}
    import segno

    address, drawn = f"{link.rstrip('/')}/{page_name(number)}", io.BytesIO()
    segno.make(address, micro=False).save(drawn, kind="svg", xmldecl=False, nl=False, omitsize=True, light="#fff")
    return {"link": address, "code": drawn.getvalue().decode()}
