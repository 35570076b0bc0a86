"""What a person reads: scores sorted and filtered, and pages of them."""

import lazy_loader

# What the room shows is listed in __init__.pyi, for readers and type checkers; it is imported when it is asked for.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
