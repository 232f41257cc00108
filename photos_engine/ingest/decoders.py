"""Which decoders are at work: a file that one could not read may be read by the next version of it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

# Grows with every change here that lets more files be read.
_OWN_REVISION = 1
_PACKAGES = ("pillow", "pi-heif", "rawpy", "exifread", "defusedxml")


def describe_decoders(*limits: str) -> str:
    """The decoders' versions and the limits that they work under, as one line: the same for the same behaviour."""
    return "; ".join((_versions(), *limits))


@cache
def _versions() -> str:
    found = [f"own {_OWN_REVISION}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:  # installed in another way than as a package
            found.append(f"{package} ?")
    return ", ".join(found)
