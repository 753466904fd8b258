"""What counts as a number in a notebook."""

from secondline.sd_prior import is_number

__all__ = ["is_number"]
