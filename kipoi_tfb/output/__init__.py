"""Files that results become, and long runs that survive a kill."""
