# rules all
