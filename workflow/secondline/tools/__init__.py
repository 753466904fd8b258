"""Commands for those who add studies: check, new study, import, and the reference of every key."""
