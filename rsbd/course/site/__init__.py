"""The course as static pages: :func:`write_site` writes them, and they open without kernel, server and network."""

from rsbd.course.site.writing import write_site

__all__ = ["write_site"]
