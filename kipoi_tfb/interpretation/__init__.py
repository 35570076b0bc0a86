"""Why a network says what it says: contributions of single bases, and how well they add up."""

import lazy_loader

# What the room shows is listed in __init__.pyi, for readers and type checkers; it is imported when it is asked for.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
